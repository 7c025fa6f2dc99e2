// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import NIOPosix
import PortReference
import Readiness
import UnixSignals
import Wire

struct PortsListen: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "listen",
    abstract: "Stand in for a server that is not installed yet, so that firewalls can be proved before it is.",
    discussion: """
      Every port of the role's rows is answered, TCP and UDP, with a greeting that 'ports check' recognises when it has the
      same code ("path open, stand-in answered"). Strangers get one line of text. It refuses to start when a port is in
      use, keeps nothing, and ends on SIGTERM or Ctrl-C. Of the dynamic RPC range sixteen ports are answered, those that a
      check samples.

      The code is shared by both sides, in a file that only its owner can read, in the environment variable
      \(StandInCode.variable), or typed at the prompt. Use a new one for each proof.

      EXAMPLES
        bridgehead ports listen --role ad --new-code --code-file /run/stand-in.code
        bridgehead ports listen --role federation --rows connect-federation/https --code-file code --json
        bridgehead ports check -f topology.yaml --stand-in-code-file code

      EXIT CODES
        0 stopped by a signal
        1 a port is in use, or cannot be listened on; nothing is held then
      """)

  @OptionGroup var global: GlobalOptions

  @Option(help: "The role whose servers are stood in for.")
  var role: Role

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Only these rows; all rows that lead to the role otherwise.", valueName: "row"))
  var rows: [RowID] = []

  @Option(
    name: [.customShort("f"), .long],
    help: ArgumentHelp("A topology whose policy names other ports: RPC pinned, certificates on 443.", valueName: "file")
  )
  var file: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Only at these addresses of this machine; at all of them otherwise.", valueName: "address"))
  var address: [String] = []

  @Option(help: ArgumentHelp("The file with the code.", valueName: "file"))
  var codeFile: String?

  @Flag(help: "Write a new code to --code-file, which must not exist yet.")
  var newCode = false

  @Flag(help: "Write an object for each event to standard output, one a line.")
  var json = false

  func validate() throws {
    if newCode && codeFile == nil { throw ValidationError("--new-code needs --code-file: it says where to write it.") }
  }

  func run() async throws {
    Observability.bootstrap(global)
    let ports = try StandInPlan.ports(
      for: role, rows: rows.isEmpty ? nil : Set(rows),
      policy: file.map { try TopologyFile.load($0).topology.policy } ?? nil)
    if newCode, let codeFile {
      var random = SystemRandomNumberGenerator()
      try PrivateFile(codeFile).write(StandInCode.generate(using: &random) + "\n")
      printError("wrote a new code to \(codeFile); take it to the machine that checks")
    }
    let code = try StandInCode(StandInCodeSource.read(file: codeFile))
    // Before anything listens: from then on a signal ends the work in order.
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    let server = try await StandInServer.start(
      ports, role: role, addresses: address.isEmpty ? StandInServer.allAddresses : address, code: code,
      product: Bridgehead.configuration.version, secret: SystemRandom.bytes(StandInServer.secretBytes),
      group: MultiThreadedEventLoopGroup.singleton)
    let report = ListenReport(json: json, quiet: global.quiet)
    report.started(role, ports)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await event in server.events { report.happened(event, at: Date()) } }
      for await _ in signals { break }
      await server.stop()
    }
    report.stopped()
  }
}

/// What `ports listen` writes: lines for people on standard error, objects for programs on standard output.
private struct ListenReport: Sendable {
  var json: Bool
  var quiet: Bool

  private struct Started: Encodable {
    var event = "started"
    var role: Role
    var ports: [StandInPort]
  }
  private struct Happened: Encodable {
    var event: StandInEvent.Outcome
    var time: Date
    var port: UInt16
    var transport: Transport
    var rows: [RowID]
    var peer: String
  }
  private struct Stopped: Encodable { var event = "stopped" }

  func started(_ role: Role, _ ports: [StandInPort]) {
    write(Started(role: role, ports: ports)) {
      let list = ports.map { "\($0.port)/\($0.transport.rawValue)" }.joined(separator: " ")
      return "standing in for \(role.title): \(list); stop with Ctrl-C"
    }
  }

  func happened(_ event: StandInEvent, at time: Date) {
    write(
      Happened(
        event: event.outcome, time: time, port: event.port.port, transport: event.port.transport, rows: event.port.rows,
        peer: event.peer)
    ) {
      let rows = event.port.rows.map(\.rawValue).joined(separator: ", ")
      return
        "\(time.formatted(.iso8601))  \(event.peer) → \(event.port.port)/\(event.port.transport.rawValue) (\(rows)): "
        + Self.words(event.outcome)
    }
  }

  func stopped() { write(Stopped()) { "stopped; no port is held any more" } }

  private static func words(_ outcome: StandInEvent.Outcome) -> String {
    switch outcome {
    case .answered: "answered a check that knows the code"
    case .wrongCode: "refused: another code"
    case .replay: "refused: a proof that was answered before"
    case .exhausted: "refused: too many proofs for one run"
    case .stranger: "answered something else than a check with one line"
    }
  }

  private func write(_ object: some Encodable, _ line: () -> String) {
    if json {
      guard let text = try? StableJSON.text(object) else { return }
      printLine(text)
    } else if !quiet {
      printError(line())
    }
  }
}
