// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import FoundationEssentials
import IdentityModel

struct ConnectErrors: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "errors", abstract: "Show every object that is quarantined or refused, why, and what to do.",
    discussion: """
      A conflict ends by itself when its cause does. A refused operation is tried again after a wait that doubles up to a
      day; --retry makes the next run try at once.

      EXAMPLES
        bridgehead connect errors
        bridgehead connect errors --json
        bridgehead connect errors --retry anna.mueller@corp.example
        bridgehead connect errors --retry-all

      EXIT CODES
        0 nothing is held, or it is tried again; 1 failed; 4 something is held
      """)

  @OptionGroup var configurationFile: ConfigurationOption

  @Option(
    help: ArgumentHelp(
      "Make the next run try this object at once: its distinguished name, user principal name, sAMAccountName, "
        + "objectGUID or source anchor.", valueName: "object"))
  var retry: String?

  @Flag(help: "Make the next run try everything at once.")
  var retryAll = false

  @Flag(help: "Write JSON.")
  var json = false

  func validate() throws {
    if retry != nil, retryAll { throw ValidationError("give --retry or --retry-all, not both.") }
  }

  func run() async throws {
    let connect = try ConnectAccess(configurationFile)
    let store = try await connect.store()
    if retry != nil || retryAll {
      let count = try await connect.finder().retry(retry, in: store)
      return json
        ? try printJSON(["retried": count]) : print(count == 0 ? "Nothing is held." : "\(count) tried by the next run.")
    }
    let held = try await HeldObject.read(store)
    if json {
      try printJSON(held)
    } else {
      let terminal = Terminal(environment: Environment.current)
      print(held.isEmpty ? "Nothing is held." : held.map { $0.text(terminal) }.joined(separator: "\n\n"))
    }
    if !held.isEmpty { throw ExitCode(ExitStatus.partial.rawValue) }
  }
}

extension HeldObject {
  fileprivate func text(_ terminal: Terminal) -> String {
    func time(_ seconds: Double) -> String { Date(timeIntervalSince1970: seconds).formatted(.iso8601) }
    let title = [kind?.rawValue, name ?? distinguishedName ?? sourceAnchor].compactMap { $0 }.joined(separator: " ")
    var lines = [terminal.styled(title, .bold), "  \(reason.rawValue): \(detail)"]
    if name != nil, let distinguishedName { lines.append("  entry: \(distinguishedName)") }
    if let target { lines.append("  target: \(target)") }
    if let other {
      lines.append("  in the way: \(other.name)" + (other.distinguishedName.map { " (\($0))" } ?? ""))
    }
    var wait = "  since \(time(since))"
    if attempts > 0 { wait += ", tried \(attempts == 1 ? "once" : "\(attempts) times")" }
    if let nextTry { wait += nextTry == 0 ? ", next try: the next run" : ", next try \(time(nextTry))" }
    return (lines + [wait, "  remedy: \(remedy)"]).joined(separator: "\n")
  }
}
