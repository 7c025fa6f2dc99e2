// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import PortReference
import Readiness
import Wire

struct PortsReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Sign and join the results of checks from several hosts.",
    discussion: """
      'ports check --report FILE --report-key KEY' writes a JWS (RFC 7515, flattened JSON) signed with Ed25519. Its header
      carries the public key as a JWK (RFC 8037); the payload is the report that '--output json' shows. Any JOSE library
      verifies it; 'ports report merge' does so first of all, and with --key accepts known keys only.

      EXAMPLES
        bridgehead ports report key --output report.key > sync1.public.jwk
        bridgehead ports check -f topology.yaml --report sync1.report --report-key report.key
        bridgehead ports report merge sync1.report wap1.report --key sync1.public.jwk --key wap1.public.jwk
      """, subcommands: [MakeKey.self, Merge.self])

  struct MakeKey: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "key", abstract: "Make the key that signs this host's reports, and print its public half.",
      discussion: "EXAMPLE\n  bridgehead ports report key --output report.key > sync1.public.jwk")

    @Option(
      name: [.short, .long],
      help: ArgumentHelp("The private file to write (mode 0600); it must not exist yet.", valueName: "file"))
    var output: String

    func run() throws {
      let key = ReportKey()
      try PrivateFile(output).write(key.jwk)
      try printJSON(key.public)
    }
  }

  struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Join the reports of several source hosts into one matrix.",
      discussion: """
        EXAMPLE
          bridgehead ports report merge *.report --key sync1.public.jwk --key wap1.public.jwk

        EXIT CODES
          0 every required flow of every source works, 1 one does not or a report cannot be trusted, 3 some are not decided
        """)

    @Argument(help: ArgumentHelp("Files that 'ports check --report' wrote.", valueName: "file"))
    var files: [String]

    @Option(
      help: ArgumentHelp(
        "A public JWK whose reports are accepted (repeatable). Without any, reports only prove that they are whole.",
        valueName: "file"))
    var key: [String] = []

    @Flag(help: "Write JSON.")
    var json = false

    @Flag(help: "Write a Markdown table.")
    var markdown = false

    func validate() throws {
      if json && markdown { throw ValidationError("Choose one of --json and --markdown.") }
    }

    func run() throws {
      let trusted = try key.map { path in
        do {
          return try JSONDecoder().decode(ReportKey.Public.self, from: Self.read(path))
        } catch let error as DecodingError {
          throw CommandError(
            "report.key", "\(path) holds no public JWK: \(error).",
            remedy: "name the file with what 'ports report key' printed.", status: .usage)
        }
      }
      let reports = try files.map { path in
        do {
          return try SignedReport.verify(Self.read(path), trusting: trusted)
        } catch let error as ReportError {
          throw CommandError(error.identifier, "\(path): \(error.message)", remedy: error.remedy)
        }
      }
      let matrix = ReportMatrix(reports)
      if trusted.isEmpty {
        for source in matrix.sources {
          printError("note: \(source.host) signed with the key \(source.key); --key proves who that is.")
        }
      }
      if json {
        try printJSON(matrix)
      } else {
        let table = Self.table(matrix)
        print(markdown ? table.markdown : table.text(Terminal(environment: Environment.current)))
      }
      if matrix.outcome != .works { throw ExitCode(matrix.outcome.rawValue) }
    }

    private static func read(_ path: String) throws -> Data {
      guard let data = FileManager.default.contents(atPath: path), data.count <= SignedReport.maximumBytes else {
        throw CommandError(
          "report.read", "\(path) cannot be read, or is larger than a report can be.",
          remedy: "check the path and its permissions.")
      }
      return data
    }

    private static func table(_ matrix: ReportMatrix) -> Table {
      var table = Table(
        header: ["ROW", "SERVICE", "TARGET"] + matrix.sources.map { "\($0.host) (\($0.role.rawValue))" })
      table.rows = matrix.lines.map { line in
        [
          line.row.rawValue, "\(line.transport.rawValue) \(line.target.port)",
          line.target.host + (line.target.address.map { $0 == line.target.host ? "" : " (\($0))" } ?? ""),
        ]
          + matrix.sources.map { source in
            guard let cell = line.cells[source.host] else { return "-" }
            return cell.diagnosis == .none
              ? cell.verdict.rawValue : "\(cell.verdict.rawValue): \(cell.diagnosis.rawValue)"
          }
      }
      return table
    }
  }
}
