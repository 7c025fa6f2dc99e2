// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import FoundationEssentials
import Glibc
import IdentityModel

struct ConnectApprove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve", abstract: "Show what the guard stopped, object by object, and let it through once.",
    discussion: """
      Without a fingerprint it shows what stands before the guard; on a terminal it then asks. With one it lets exactly that
      difference through, in the next run. A difference that has changed since is stopped again.

      EXAMPLES
        bridgehead connect approve
        bridgehead connect approve --json
        bridgehead connect approve 4be0c3b1a90d2f77

      EXIT CODES
        0 nothing stands before the guard, or it was approved; 1 failed; 3 something stands before it
      """)

  @Argument(help: "The fingerprint of the difference, as the guard or this command tells it.")
  var fingerprint: String?

  @OptionGroup var configurationFile: ConfigurationOption

  @Flag(help: "Write JSON; never asks.")
  var json = false

  /// Objects named for a person; JSON names all.
  private static let named = 200

  func run() async throws {
    let connect = try ConnectAccess(configurationFile)
    let (store, settings) = (try await connect.store(), try connect.settings())
    func approve(_ fingerprint: String) async throws -> StandingDifference {
      try await StandingDifference.approve(fingerprint, settings, store, now: Date.now)
    }
    if let fingerprint {
      let approved = try await approve(fingerprint)
      return json ? try printJSON(approved) : print(Self.confirmation(approved))
    }
    let standing = try await StandingDifference.read(settings, store, now: Date.now)
    if json {
      try printJSON(standing)
    } else {
      let terminal = Terminal(environment: Environment.current)
      print(
        standing.isEmpty
          ? "Nothing stands before the guard."
          : standing.map { $0.text(terminal, limit: Self.named) }.joined(separator: "\n\n"))
    }
    var isLeft = false
    for difference in standing where difference.approvedAt == nil {
      if !json, Self.asks(difference) {
        print(Self.confirmation(try await approve(difference.finding.fingerprint)))
      } else {
        isLeft = true
      }
    }
    if isLeft { throw ExitCode(ExitStatus.guarded.rawValue) }
  }

  private static func confirmation(_ difference: StandingDifference) -> String {
    "Approved for \(difference.finding.target): the next run lets it through, once."
  }

  /// Only where a person can answer.
  private static func asks(_ difference: StandingDifference) -> Bool {
    guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { return false }
    print("Let this through to \(difference.finding.target)? Type yes: ", terminator: "")
    fflush(nil)
    return readLine() == "yes"
  }
}

extension StandingDifference {
  fileprivate func text(_ terminal: Terminal, limit: Int) -> String {
    var lines = [terminal.styled("Before \(finding.target): \(finding.fingerprint)", .bold), finding.message]
    let objects =
      deletions.map { deletion in
        terminal.styled("- \(deletion.kind.rawValue) \(deletion.name)", .red)
          + (deletion.isLeavingScope ? " (out of scope)" : "")
      } + removals.map { terminal.styled("- \($0.group): \($0.member)", .red) }
      + clearings.map { terminal.styled("- \($0.name): \($0.attribute) cleared", .red) }
    lines += objects.prefix(limit).map { "  \($0)" }
    if objects.count > limit { lines.append("  … and \(objects.count - limit) more; --json names all") }
    if let approvedAt {
      lines.append(
        "Approved \(Date(timeIntervalSince1970: approvedAt).formatted(.iso8601)): the next run lets it through.")
    } else {
      lines.append("To let exactly this through: bridgehead connect approve \(finding.fingerprint)")
    }
    return lines.joined(separator: "\n")
  }
}
