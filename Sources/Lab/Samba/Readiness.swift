// SPDX-License-Identifier: Apache-2.0

/// Whether a domain controller answers, found out by conversations with programs that are not ours.
struct Readiness {
  /// A controller answers 1 to 5 s after its start; ten times that on a busy machine.
  static let patience: Duration = .seconds(60)

  var forest: ForestPlan
  var controller: ForestPlan.Controller
  var keytab: String
  var principal: String
  var environment: [String: String]
  var searchPath: String

  /// Waits for LDAP, LDAPS, DNS, SMB and the KDC, in this order.
  /// - Parameter alive: asked between attempts; when the server has ended, waiting is over.
  func wait(alive: @Sendable () -> Bool, log: String) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + Self.patience
    for conversation in conversations {
      while true {
        let result = try await run(conversation.arguments)
        if result.status == 0, conversation.expected.map({ result.text.lowercased().contains($0) }) ?? true { break }
        try Task.checkCancellation()
        let said = (result.errorText + result.text).split(separator: "\n").last.map(String.init) ?? "no answer"
        guard alive() else {
          throw LabError(.notReady, "\(controller.fqdn) ended while it was starting.", remedy: "Read \(log).")
        }
        guard clock.now < deadline else {
          throw LabError(
            .notReady,
            "\(controller.fqdn) (\(controller.address)) did not answer on \(conversation.name) within \(Self.patience): \(said).",
            remedy: "Read \(log).")
        }
        try await Task.sleep(for: .milliseconds(50))
      }
    }
  }

  private struct Conversation {
    var name: String
    var arguments: [String]
    /// What a good answer contains, in lower case.
    var expected: String?
  }

  private var conversations: [Conversation] {
    let search = ["-x", "-LLL", "-o", "nettimeout=2", "-s", "base", "-b", "", "dnsHostName"]
    return [
      Conversation(
        name: "LDAP", arguments: ["ldapsearch", "-H", "ldap://\(controller.address)"] + search,
        expected: controller.fqdn),
      Conversation(
        name: "LDAPS", arguments: ["ldapsearch", "-H", "ldaps://\(controller.address)"] + search,
        expected: controller.fqdn),
      Conversation(
        name: "DNS",
        arguments: [
          "dig", "+short", "+time=1", "+tries=1", "@\(controller.address)", "SRV",
          "_ldap._tcp.dc._msdcs.\(forest.name)",
        ], expected: controller.fqdn),
      // Anonymously, and so only as far as the session: smbd starts last.
      Conversation(
        name: "SMB",
        arguments: [
          "smbclient", "--configfile=/dev/null", "--no-pass", "--timeout=2", "--command=exit",
          "//\(controller.address)/IPC$",
        ], expected: nil),
      // Further controllers know accounts and service names once these were replicated to them.
      Conversation(
        name: "Kerberos",
        arguments: ["kinit", "-k", "-t", keytab, "-c", "MEMORY:ready", "-S", "ldap/\(controller.fqdn)", principal],
        expected: nil),
    ]
  }

  private func run(_ arguments: [String]) async throws -> Command.Result {
    var environment = environment
    // Only whether TLS answers matters here; names and chains are the tests' business.
    environment["LDAPTLS_REQCERT"] = "never"
    let executable = Spawn.find(arguments[0], path: searchPath) ?? arguments[0]
    return try await Command(executable, Array(arguments.dropFirst()), environment: environment).run()
  }
}
