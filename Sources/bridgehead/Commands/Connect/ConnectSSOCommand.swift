// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import FoundationEssentials
import Wire

struct ConnectSSO: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sso", abstract: "Seamless SSO: people who hold a ticket of the forest sign in without typing.",
    discussion: """
      One computer account in each forest shares its key with the tenant. docs/operations/seamless-sso.md says what else it
      takes. Changes are made with an administrator's credentials, which are not kept.
      """,
    subcommands: [Enable.self, Status.self, Roll.self, Disable.self])

  struct Enable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make the forest's account and hand its key to the tenant.",
      discussion: """
        The whole forest is searched first, by its Global Catalog. An account or a service name that is there and is not
        Bridgehead's is left alone, and nothing is made. On an account that is, it sets right what is not, with a new key.

        EXAMPLES
          bridgehead connect sso enable --dry-run --principal admin@CORP.EXAMPLE --password-file admin.secret \\
            --token-file sso.token
          bridgehead connect sso enable --principal admin@CORP.EXAMPLE --keytab admin.keytab --token-file sso.token
        """)
    @OptionGroup var place: SSOPlace
    @OptionGroup var change: SSOChange
    @OptionGroup var trusts: SSOTrusts
    @OptionGroup var global: GlobalOptions

    func run() async throws { try await change.run(.enable, place, global, trusts: trusts) }
  }

  struct Roll: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Give the account a new key. Tickets in use live on.",
      discussion: """
        Do it every 30 days: whoever gets hold of the key can sign in as anybody of the forest until it changes. With
        --end-tickets, for a key that may be in other hands, nothing that was made with an earlier one is taken any more.

        EXAMPLE
          bridgehead connect sso roll --principal admin@CORP.EXAMPLE --keytab admin.keytab --token-file sso.token
        """)
    @OptionGroup var place: SSOPlace
    @OptionGroup var change: SSOChange
    @OptionGroup var tickets: SSOTickets
    @OptionGroup var trusts: SSOTrusts
    @OptionGroup var global: GlobalOptions

    func run() async throws { try await change.run(.roll, place, global, tickets, trusts: trusts) }
  }

  struct Disable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delete the account and the key. Tickets in use live on, unless they are to end.",
      discussion: """
        From then on people sign in with their passwords.

        EXAMPLE
          bridgehead connect sso disable --principal admin@CORP.EXAMPLE --keytab admin.keytab --token-file sso.token
        """)
    @OptionGroup var place: SSOPlace
    @OptionGroup var change: SSOChange
    @OptionGroup var tickets: SSOTickets
    @OptionGroup var global: GlobalOptions

    func run() async throws { try await change.run(.disable, place, global, tickets) }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the account, the tenant's keys, and what needs attention.",
      discussion: """
        EXAMPLES
          bridgehead connect sso status --token-file sso.token
          bridgehead connect sso status --token-file sso.token --json

        EXIT CODES
          0 fine, or not enabled; 1 failed; 4 something needs attention, such as a key older than 30 days
        """)
    @OptionGroup var place: SSOPlace
    @OptionGroup var global: GlobalOptions

    func run() async throws {
      Observability.bootstrap(global)
      let status = try await place.using(SeamlessSSO.Options()) { try await $0.status() }
      if place.json { try printJSON(status) } else { print(status.text) }
      if !status.warnings.isEmpty { throw ExitCode(ExitStatus.partial.rawValue) }
    }
  }
}

/// Which forest, which tenant, and by whom.
struct SSOPlace: ParsableArguments {
  @OptionGroup var configurationFile: ConfigurationOption

  @Option(help: ArgumentHelp("The forest; needed where the configuration has several.", valueName: "name"))
  var forest: String?

  @Option(help: ArgumentHelp("The domain of the account, instead of the forest's root.", valueName: "name"))
  var domain: String?

  @Option(help: ArgumentHelp("The account's name, instead of BRIDGEHEADSSO.", valueName: "name"))
  var account: String?

  @Option(help: ArgumentHelp("The tenant; needed where the configuration has several targets.", valueName: "name"))
  var target: String?

  @Option(help: ArgumentHelp("A token of the tenant with the scope sso.", valueName: "file"))
  var tokenFile: String

  @Option(help: ArgumentHelp("Who acts, instead of the account that Connect reads with.", valueName: "user@REALM"))
  var principal: String?

  @Option(help: ArgumentHelp("The principal's password.", valueName: "file"))
  var passwordFile: String?

  @Option(help: ArgumentHelp("The principal's keytab.", valueName: "file"))
  var keytab: String?

  @Flag(help: "Write JSON.")
  var json = false

  func validate() throws {
    let secrets = [passwordFile, keytab].compactMap { $0 }.count
    guard secrets == (principal == nil ? 0 : 1) else {
      throw ValidationError("Give --principal with either --password-file or --keytab.")
    }
  }

  func using<R: Sendable>(
    _ options: SeamlessSSO.Options, _ body: @escaping @Sendable (SeamlessSSO) async throws -> R
  ) async throws -> R {
    var options = options
    if let account { options.account = account }
    let administrator = principal.map {
      Configuration.Credentials(
        principal: $0, keytab: keytab, password: passwordFile.map { SecretReference(file: $0) }, clockSkew: nil)
    }
    let runtime = try await SeamlessSSORuntime.open(
      .init(
        file: configurationFile.config, forest: forest, domain: domain, target: target, administrator: administrator,
        tokenFile: tokenFile, options: options), environment: Environment.current)
    do {
      let result = try await body(runtime.service)
      await runtime.close()
      return result
    } catch {
      await runtime.close()
      throw error
    }
  }
}

/// What becomes of tickets in use.
struct SSOTickets: ParsableArguments {
  @Option(
    help: ArgumentHelp("How long tickets in use live on, at least as long as a ticket lives.", valueName: "duration"),
    transform: { text in
      guard let duration = Duration(parsing: text) else { throw ValidationError("'\(text)' is no duration.") }
      return duration
    })
  var overlap: Duration = .seconds(12 * 3600)

  @Flag(help: "End them at once: people get new ones, or sign in with their passwords.")
  var endTickets = false
}

/// Whom the key speaks for beside its own forest.
struct SSOTrusts: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Take tickets of the people of this forest as well, which a forest trust lets in; repeat it for several. It holds "
        + "until 'disable', or until the trust is gone.", valueName: "name"))
  var trustedForest: [String] = []
}

/// A change, or what it would be.
struct SSOChange: ParsableArguments {
  @Flag(help: "Look at everything, say what would be done, and do nothing.")
  var dryRun = false

  private struct Report: Encodable {
    let action: SSOPlan.Action
    let done: Bool
    let service: String
    let steps, notes: [String]
  }

  func run(
    _ action: SSOPlan.Action, _ place: SSOPlace, _ global: GlobalOptions, _ tickets: SSOTickets? = nil,
    trusts: SSOTrusts? = nil
  ) async throws {
    Observability.bootstrap(global)
    // Keys of the whole forest pass through.
    ProcessSecrecy.refuseCores()
    guard place.principal != nil else {
      throw CommandError(
        "sso.credentials", "Changes need an administrator's credentials.",
        remedy: "give --principal with --password-file or --keytab.", status: .usage)
    }
    var options = SeamlessSSO.Options()
    options.trustedForests = trusts?.trustedForest ?? []
    if let tickets {
      options.overlap = Int(tickets.overlap.components.seconds)
      options.endsTickets = tickets.endTickets
    }
    let isDone = !dryRun
    let report = try await place.using(options) { service in
      let plan = try await service.plan(action)
      if isDone { try await service.carryOut(plan) }
      return Report(
        action: plan.action, done: isDone, service: plan.service, steps: plan.steps, notes: plan.notes)
    }
    if place.json { return try printJSON(report) }
    let lines = [isDone ? "Done:" : "Would be done:"] + report.steps.map { "- \($0)" }
    print((lines + report.notes.map { "Note: \($0)" }).joined(separator: "\n"))
  }
}

extension SSOStatus {
  fileprivate var text: String {
    var lines = ["\(forest): \(isEnabled ? "enabled" : "not enabled"), \(service)"]
    if let account {
      lines.append("account \(account.distinguishedName)")
      if let set = account.passwordLastSet { lines.append("key since \(set.formatted(.iso8601))") }
    }
    lines += keys.map { key in
      let state =
        key.retires.map { "until \($0.formatted(.iso8601))" } ?? (key.activated == nil ? "pending" : "present")
      return "tenant's key \(key.id), version \(key.version), \(state)"
    }
    if let entraAccount { lines.append("\(entraAccount) belongs to Entra ID and is left alone") }
    return (lines + warnings.map { "Warning: \($0)" }).joined(separator: "\n")
  }
}
