// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import SyncAPI
import Wire

struct ConnectSignIn: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign-in", abstract: "Sign in to a target of kind sync-api, on another device.",
    discussion: """
      Shows an address and a code; who enters the code there lets Connect in. What is left is a refresh token in the file that
      the target's signIn names. Targets that sign in with a certificate need none of this.

      EXAMPLES
        bridgehead connect sign-in
        bridgehead connect sign-in --target entra
      """)

  @OptionGroup var configurationFile: ConfigurationOption
  @OptionGroup var global: GlobalOptions

  @Option(help: ArgumentHelp("Which target; needed only where several sign in so.", valueName: "name"))
  var target: String?

  func run() async throws {
    Observability.bootstrap(global)
    let configuration = try ConfigurationLoader.load(configurationFile.config)
    let candidates = (configuration.connect?.allTargets ?? []).filter { target in
      target.isSyncAPI && target.signIn?.refreshToken != nil && (self.target.map { $0 == target.key } ?? true)
    }
    guard candidates.count == 1, let chosen = candidates.first, let path = chosen.signIn?.refreshToken else {
      throw CommandError(
        "configuration.signIn",
        candidates.isEmpty
          ? "No such target signs in on another device." : "Several targets sign in on another device.",
        remedy: candidates.isEmpty
          ? "give a target of kind sync-api a signIn with a refreshToken file." : "name one with --target.",
        status: .configuration)
    }
    let flows = FlowObserver(ledger: FlowLedger())
    let cloud = try Cloud(
      configuration, names: try Names(configuration, flows: flows), flows: flows, environment: Environment.current)
    try await cloud.use { cloud in
      let signIn = try chosen.requireSignIn()
      let refresh = try await DeviceSignIn(
        try chosen.tokenEndpoint(cloud), client: signIn.clientID, scope: signIn.effectiveScope
      ).run { address, code in
        printError("open \(address) and enter the code \(code)")
      }
      try RefreshTokenFile(path: path).save(refresh)
    }
    print("signed in; the refresh token is in \(path)")
  }
}
