// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Labs brought up and taken down as a person does it, and judged by programs that are not ours. Their networks differ from the
/// one of the lab that the other suites use.
@Suite(.enabled(if: Lab.current != nil), .serialized) struct LabLifecycle {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  private static let binary =
    ProcessInfo.processInfo.environment["BRIDGEHEAD"] ?? root.appending(path: ".build/debug/bridgehead").path

  struct Outcome {
    var status: Int32
    var output: String
    var errors: String
  }

  /// A lab of its own, whose servers are stopped and files gone at the end of a test.
  struct TemporaryLab {
    let path: String
    let cache: String

    init(cache: String? = nil) throws {
      path = "/tmp/lab-\(UUID().uuidString.prefix(8))"
      self.cache = cache ?? path + "-cache"
    }

    func up(_ arguments: [String]) async throws -> (LabDescription, Outcome) {
      let outcome = try await LabLifecycle.run(["up", "--dir", path, "--cache", cache, "--json"] + arguments)
      try #require(outcome.status == 0, "\(outcome.errors)")
      return (try JSONDecoder().decode(LabDescription.self, from: Data(outcome.output.utf8)), outcome)
    }

    /// Runs a shell script inside the lab.
    func exec(_ script: String) async throws -> Outcome {
      try await LabLifecycle.run(["exec", "--dir", path, "--", "sh", "-c", script])
    }

    func down() async throws {
      let outcome = try await LabLifecycle.run(["down", "--dir", path, "--remove"])
      #expect(outcome.status == 0, "\(outcome.errors)")
    }

    /// Command lines of live processes that name the lab's directory.
    func processes() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.compactMap { pid in
        guard let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return nil }
        let text = String(decoding: line.map { $0 == 0 ? 32 : $0 }, as: UTF8.self)
        return text.contains(path) ? text : nil
      }
    }
  }

  static func run(_ arguments: [String]) async throws -> Outcome {
    let output = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    let errors = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer {
      try? FileManager.default.removeItem(at: output)
      try? FileManager.default.removeItem(at: errors)
    }
    for file in [output, errors] { try Data().write(to: file) }
    let process = Process()
    process.executableURL = URL(filePath: binary)
    process.arguments = ["lab"] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    let status = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    return Outcome(
      status: status, output: try String(contentsOf: output, encoding: .utf8),
      errors: try String(contentsOf: errors, encoding: .utf8))
  }

  private func withLab(
    cache: String? = nil, _ body: (TemporaryLab) async throws -> Void
  ) async throws {
    let lab = try TemporaryLab(cache: cache)
    // A cache that is given is the caller's.
    defer { if cache == nil { try? FileManager.default.removeItem(atPath: lab.cache) } }
    do { try await body(lab) } catch {
      _ = try? await Self.run(["down", "--dir", lab.path, "--remove"])
      throw error
    }
    try await lab.down()
    #expect(try lab.processes() == [])
    #expect(!FileManager.default.fileExists(atPath: lab.path))
  }

  @Test func thirdPartyProgramsUseALab() async throws {
    let machine = ["/etc/krb5.conf", "/etc/resolv.conf", "/etc/hosts", "/etc/samba/smb.conf"].map {
      FileManager.default.contents(atPath: $0)
    }
    try await withLab { lab in
      let (description, _) = try await lab.up(["--users", "1000", "--groups", "100", "--network", "30"])
      let forest = description.forest
      let account = forest.serviceAccount
      let base = forest.baseDN
      let judged = try await lab.exec(
        """
        set -e
        kinit -k -t \(account.keytabFile ?? "") \(account.principal)
        search() { ldapsearch -Y GSSAPI -Q -LLL -E pr=500/noprompt -H ldap://dc1.\(forest.name) -b "$@" dn | grep -c ^dn: ; }
        echo people $(search OU=People,\(base) '(objectClass=user)')
        echo groups $(search OU=Groups,\(base) '(objectClass=group)')
        echo contacts $(search OU=Contacts,\(base) '(objectClass=contact)')
        echo computers $(search OU=Workstations,\(base) '(objectClass=computer)')
        echo everyone $(ldapsearch -Y GSSAPI -Q -LLL -o ldif-wrap=no -H ldap://dc1.\(forest.name) \
          -b "CN=All Employees,OU=Access,OU=Groups,\(base)" -s base member | grep -c '^member')
        echo enterprise $(dig +short SRV _ldap._tcp.dc._msdcs.\(forest.name))
        echo tenant $(dig +short @127.0.30.1 \(forest.tenant.name))
        echo crl $(curl -sf \(forest.crlURL) | openssl crl -inform DER -noout -CAfile "$LDAPTLS_CACERT" 2>&1)
        echo tls $(openssl s_client -connect dc1.\(forest.name):636 -verify_return_error -CAfile "$LDAPTLS_CACERT" \
          -verify_hostname \(forest.name) </dev/null 2>&1 | grep 'Verify return code')
        """)
      let facts = judged.output.split(separator: "\n").map(String.init)
      #expect(facts.contains("people \(forest.counts["user"] ?? -1)"), "\(facts) \(judged.errors)")
      #expect(forest.counts["user"] == 1000)
      #expect(facts.contains("groups 100"))
      #expect(facts.contains("contacts \(forest.counts["contact"] ?? -1)"))
      #expect(facts.contains("computers \(forest.counts["computer"] ?? -1)"))
      #expect(facts.contains("everyone 1000"))
      #expect(facts.contains("enterprise 0 100 389 dc1.\(forest.name)."))
      #expect(facts.contains("tenant 127.0.30.80"))
      #expect(facts.contains("crl verify OK"))
      #expect(facts.contains("tls Verify return code: 0 (ok)"))

      let again = try await lab.up(["--users", "1000", "--groups", "100", "--network", "30"])
      #expect(again.0.forest.controllers[0].invocationID == forest.controllers[0].invocationID)
      #expect(again.1.errors.isEmpty, "a lab that runs is left alone: \(again.1.errors)")
      let other = try await Self.run(["up", "--dir", lab.path, "--no-cache", "--users", "10", "--network", "30"])
      #expect(other.status == 1 && other.errors.contains("other options"), "\(other.errors)")
      let busy = try await Self.run(["up", "--dir", lab.path + "2", "--no-cache", "--users", "10", "--network", "30"])
      #expect(busy.status == 1 && busy.errors.contains("is in use"), "\(busy.errors)")
      try? FileManager.default.removeItem(atPath: lab.path + "2")
    }
    let afterwards = ["/etc/krb5.conf", "/etc/resolv.conf", "/etc/hosts", "/etc/samba/smb.conf"].map {
      FileManager.default.contents(atPath: $0)
    }
    #expect(machine == afterwards)
  }

  @Test func aCachedForestIsTheSamePeopleInAnotherLab() async throws {
    let cache = "/tmp/lab-cache-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: cache) }
    let arguments = ["--users", "60", "--groups", "20", "--network", "30", "--extended-schema"]
    var first: LabDescription.Forest?
    try await withLab(cache: cache) { lab in
      let (description, outcome) = try await lab.up(arguments)
      #expect(outcome.errors.contains("provision"))
      first = description.forest
    }
    try await withLab(cache: cache) { lab in
      let (description, outcome) = try await lab.up(arguments)
      let forest = description.forest
      #expect(outcome.errors.contains("unpack") && !outcome.errors.contains("provision"), "\(outcome.errors)")
      #expect(forest.counts == first?.counts)
      #expect(forest.domainSID == first?.domainSID)
      #expect(forest.controllers[0].invocationID != first?.controllers[0].invocationID)
      let found = try await lab.exec(
        """
        kinit -k -t \(forest.serviceAccount.keytabFile ?? "") \(forest.serviceAccount.principal)
        ldapsearch -Y GSSAPI -Q -LLL -H ldap://dc1.\(forest.name) -b \(forest.baseDN) \
          '(msExchHideFromAddressLists=TRUE)' extensionAttribute1 mailNickname
        """)
      #expect(found.output.contains("extensionAttribute1: Tier") && found.output.contains("mailNickname: "))
    }
  }

  /// The documented right and no other: DirSync for one account, refusal for the other, no secrets and no writing for both.
  @Test func serviceAccountsMayOnlyRead() async throws {
    try await withLab { lab in
      let (description, _) = try await lab.up(["--users", "20", "--groups", "5", "--network", "30"])
      let forest = description.forest
      for (account, mayReplicate) in [(forest.serviceAccount, true), (forest.plainAccount, false)] {
        let result = try await lab.exec(
          """
          kinit -k -t \(account.keytabFile ?? "") \(account.principal) || exit 9
          q="-Y GSSAPI -Q -H ldap://dc1.\(forest.name)"
          ldapsearch $q -LLL -b \(forest.baseDN) -E '!dirSync=0/0' '(sAMAccountName=u000001)' cn >/dev/null 2>&1
          echo dirsync $?
          ldapsearch $q -LLL -b \(forest.baseDN) '(sAMAccountName=u000001)' unicodePwd supplementalCredentials \
            | grep -ciE '^(unicodePwd|supplementalCredentials):'
          printf 'dn: CN=All Employees,OU=Access,OU=Groups,\(forest.baseDN)\\nchangetype: modify\\nreplace: description\\ndescription: x\\n' \
            | ldapmodify $q >/dev/null 2>&1
          echo write $?
          klist -e | grep -c aes256
          """)
        let lines = result.output.split(separator: "\n")
        #expect(lines.first == (mayReplicate ? "dirsync 0" : "dirsync 50"), "\(result)")
        #expect(lines.dropFirst().first == "0", "\(result)")
        #expect(lines.contains("write 50"), "\(result)")
        #expect(lines.last != "0", "\(result)")
      }
      let plain = try await lab.exec(
        "ldapsearch -x -D \(forest.administrator.principal) -y \(forest.administrator.passwordFile) -H ldap://dc1.\(forest.name) -s base"
      )
      #expect(plain.status == 8, "a plain bind is refused with strongerAuthRequired: \(plain)")
    }
  }

  @Test func twoForestsLiveSideBySide() async throws {
    try await withLab { lab in
      let (description, _) = try await lab.up([
        "--forest", "corp.example", "--forest", "other.example", "--users", "20", "--groups", "5", "--network", "30",
      ])
      #expect(description.forests.map(\.name) == ["corp.example", "other.example"])
      #expect(Set(description.forests.map(\.domainSID)).count == 2)
      for forest in description.forests {
        let found = try await lab.exec(
          """
          kinit -k -t \(forest.serviceAccount.keytabFile ?? "") \(forest.serviceAccount.principal) &&
          ldapsearch -Y GSSAPI -Q -LLL -H ldap://dc1.\(forest.name) -b OU=People,\(forest.baseDN) '(objectClass=user)' dn | grep -c ^dn:
          """)
        #expect(found.output == "20\n", "\(found)")
      }
    }
  }

  @Test func twoControllersReplicateBothWays() async throws {
    try await withLab { lab in
      let (description, _) = try await lab.up(["--dcs", "2", "--users", "20", "--groups", "5", "--network", "30"])
      let forest = description.forest
      #expect(Set(forest.controllers.map(\.invocationID)).count == 2)
      let result = try await lab.exec(
        """
        kinit \(forest.administrator.principal) < \(forest.administrator.passwordFile) >/dev/null
        entry="CN=All Employees,OU=Access,OU=Groups,\(forest.baseDN)"
        for pair in dc1:dc2 dc2:dc1; do
          from=${pair%:*}; to=${pair#*:}
          printf "dn: $entry\\nchangetype: modify\\nreplace: info\\ninfo: from $from\\n" \
            | ldapmodify -Y GSSAPI -Q -H ldap://$from.\(forest.name) >/dev/null
          for try in $(seq 300); do
            ldapsearch -Y GSSAPI -Q -LLL -H ldap://$to.\(forest.name) -b "$entry" -s base info | grep -q "from $from" \
              && { echo $pair; break; }
            sleep 0.1
          done
        done
        for dc in dc1 dc2; do dig +short @$dc.\(forest.name) SRV _gc._tcp.\(forest.name) | wc -l; done
        """)
      #expect(result.output == "dc1:dc2\ndc2:dc1\n2\n2\n", "\(result)")
    }
  }
}
