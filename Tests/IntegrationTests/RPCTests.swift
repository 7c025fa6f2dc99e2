// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOPosix
import PasswordHash
import RPC
import Testing
import TestSupport
import Wire

/// Associations with a real domain controller.
@Suite(.enabled(if: Lab.current != nil)) struct RPCTests {
  private let lab: RPCLab

  init() throws { lab = try RPCLab() }

  private func ntHash(_ password: String) throws -> [UInt8] {
    try #require(NTHash(ofPassword: password)).bytes.withBytes { Array($0) }
  }

  private func failure(_ body: () async throws -> Void) async -> RPCError? {
    do {
      try await body()
      Issue.record("it succeeded")
      return nil
    } catch {
      #expect(error is RPCError, "\(error)")
      return error as? RPCError
    }
  }

  @Test func findsInterfaces() async throws {
    let ports = try await lab.connector.ports(of: [.drsuapi, .lsarpc, .samr], at: lab.server)
    #expect(ports.count == 3 && ports.values.allSatisfy { (1024...65_535).contains($0) }, "\(ports)")
    #expect(lab.flows.uses.map(\.row) == ["connect-ad/rpc-endpoint-mapper"])
    #expect(lab.flows.uses.first?.protection == "none")
  }

  @Test func saysWhatIsNotRegistered() async throws {
    let identifier = try #require(GUID("6b1b4a1e-90c3-4c5c-8f0c-3b8d7e0a9f11"))
    let nobodys = RPCInterface(name: "nobody's", identifier, version: 1)
    let association = try await RPCAssociation.connect(
      to: lab.server, .endpointMapper, security: .none, flow: nil, group: MultiThreadedEventLoopGroup.singleton)
    let error = try #require(
      await failure { _ = try await EndpointMapper(association).endpoints(of: nobodys) })
    #expect(error.code == .notRegistered && error.status == 0x16c9_a0d6)
    await association.close()
  }

  @Test func refusesAnInterfaceOnTheWrongPort() async throws {
    let error = try #require(
      await failure {
        _ = try await RPCAssociation.connect(
          to: lab.server, .drsuapi, security: .none, flow: nil, group: MultiThreadedEventLoopGroup.singleton)
      })
    #expect(error.code == .interfaceRefused || error.code == .bindRefused, "\(error)")
  }

  /// LDAP's port: a peer that speaks something else, closes or resets.
  @Test func recognisesAnotherProtocol() async throws {
    var server = lab.server
    server.port = lab.kerberos.controller.ports["ldap"] ?? 389
    let error = try #require(
      await failure {
        _ = try await RPCAssociation.connect(
          to: server, .drsuapi, security: .none, flow: nil, group: MultiThreadedEventLoopGroup.singleton)
      })
    #expect([.notRPC, .closed, .reset].contains(error.code), "\(error)")
  }

  @Test(arguments: [SecurityParameters.Mechanism.kerberos, .spnego])
  func bindsSealed(_ mechanism: SecurityParameters.Mechanism) async throws {
    let client = try await lab.replication(as: lab.forest.serviceAccount, mechanism)
    #expect(client.server.flags.contains([.base, .strongEncryption, .requestV8, .replyV6]))
    let flow = try #require(lab.flows.uses.last)
    #expect(flow.row == "connect-ad/rpc-dynamic" && flow.protection.contains("sign and seal, aes256"), "\(flow)")
    let domain = lab.forest.netbios
    let names = try await client.crackNames(
      ["\(domain)\\", "\(domain)\\Administrator", "\(domain)\\nobody-of-this-name"], from: .nt4Account,
      to: .distinguishedName)
    #expect(names.map(\.status) == [0, 0, 2])
    #expect(names[0].name.lowercased() == lab.forest.baseDN.lowercased())
    #expect(names[1].name.hasPrefix("CN=Administrator,"), "\(names[1])")
    #expect(names[0].domain == lab.forest.name)
    try await client.unbind()
  }

  /// More than one fragment in each direction.
  @Test(arguments: [SecurityParameters.Mechanism.kerberos, .spnego])
  func carriesLongMessages(_ mechanism: SecurityParameters.Mechanism) async throws {
    let client = try await lab.replication(as: lab.forest.serviceAccount, mechanism)
    let account = "\(lab.forest.netbios)\\Administrator"
    let names = [String](repeating: account, count: 400)
    let results = try await client.crackNames(names, from: .nt4Account, to: .distinguishedName)
    #expect(results.count == 400 && Set(results.map(\.name)).count == 1)
  }

  @Test func describesTheControllers() async throws {
    let client = try await lab.replication(as: lab.forest.serviceAccount)
    let controllers = try await client.domainControllers(of: lab.forest.name)
    #expect(controllers.count == lab.forest.controllers.count)
    let first = try #require(controllers.first { $0.netBIOSName == lab.kerberos.controller.netbios })
    #expect(first.dnsHostName.lowercased() == lab.kerberos.controller.host)
    #expect(first.isPDC && first.isGlobalCatalog && first.site == lab.kerberos.controller.site)
    #expect(first.dsaGUID != .zero)
  }

  /// Calls at once take turns.
  @Test func queuesCalls() async throws {
    let client = try await lab.replication(as: lab.forest.serviceAccount)
    let domain = "\(lab.forest.netbios)\\"
    let found = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<20 {
        group.addTask {
          try await client.crackNames([domain], from: .nt4Account, to: .distinguishedName).count { $0.status == 0 }
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(found == 20)
  }

  // MARK: - Replication

  /// Every user of the population, in pages, with the NT hash of the password that all of them have.
  @Test func replicatesPasswords() async throws {
    let client = try await lab.replication(as: lab.forest.passwordAccount)
    var request = ReplicationRequest(
      context: DSName(name: lab.forest.baseDN), attributes: [.unicodePwd, .pwdLastSet, .userAccountControl])
    request.maximumObjects = 400
    let read = try await RPCLab.readPasswords(client, &request)
    let users = read.accounts.filter { $0.name.contains(",OU=People,") || $0.name.contains(",OU=External,") }
    let counts = lab.forest.counts
    #expect(users.count == (counts["user"] ?? 0) + (counts["externalUser"] ?? 0), "\(counts)")
    let password = try String(contentsOfFile: lab.forest.userPasswordFile, encoding: .utf8)
    let digest = RPCLab.digest(of: try ntHash(password.trimmingCharacters(in: .newlines)))
    #expect(users.allSatisfy { $0.digest == digest && $0.version > 0 && $0.hasControl && $0.hasTime })
    #expect(read.pages > 2)
    #expect(read.invocation.description == lab.kerberos.controller.invocationID.lowercased())
    // None of them is new now, and the vector alone, as another server would get it, tells as much as the watermark. (Tests
    // beside this one create accounts.)
    request.known = read.known
    let since = try await client.changes(request)
    #expect(!since.objects.contains { $0.name.name.contains(",OU=People,") } && !since.hasMore)
    request.from = .zero
    let again = try await client.changes(request)
    #expect(!again.objects.contains { $0.name.name.contains(",OU=People,") } && !again.hasMore)
  }

  /// Samba's own library reads the same hashes from the database below the server; only digests are compared.
  @Test func agreesWithSamba() async throws {
    let client = try await lab.replication(as: lab.forest.passwordAccount)
    var request = ReplicationRequest(context: DSName(name: lab.forest.baseDN), attributes: [.unicodePwd])
    let read = try await RPCLab.readPasswords(client, &request)
    let ours = Dictionary(uniqueKeysWithValues: read.accounts.map { ($0.identifier, $0.digest) })
    let theirs = try lab.digestsFromDatabase()
    #expect(theirs.count > (lab.forest.counts["user"] ?? 0) && Set(theirs.values).count > 3)
    #expect(ours == theirs)
  }

  @Test func replicatesOneObject() async throws {
    let client = try await lab.replication(as: lab.forest.passwordAccount)
    let key = try await client.sessionKey()
    let account = "\(lab.forest.netbios)\\\(lab.forest.passwordAccount.principal.prefix { $0 != "@" })"
    let name = try #require(
      await client.crackNames([account], from: .nt4Account, to: .distinguishedName).first)
    try #require(name.status == 0)
    var request = ReplicationRequest(context: DSName(name: name.name), attributes: [.unicodePwd, .pwdLastSet])
    request.operation = .object
    let reply = try await client.changes(request)
    let object = try #require(reply.objects.first { $0.name.name == name.name })
    let payload = try #require(object.attributes[.unicodePwd]?.first)
    let rid = try #require(object.name.sid?.relativeIdentifier)
    let hash = try ReplicatedSecret.ntHash(payload, account: rid, sessionKey: key)
    #expect(try hash.withBytes { Array($0) } == ntHash(lab.forest.passwordAccount.password()))
    // Damage and another account's identifier are noticed, or lead to another hash.
    var damaged = payload
    damaged[20] ^= 1
    #expect(throws: RPCError.self) { _ = try ReplicatedSecret.ntHash(damaged, account: rid, sessionKey: key) }
    let other = try ReplicatedSecret.ntHash(payload, account: rid + 1, sessionKey: key)
    #expect(try other.withBytes { Array($0) } != ntHash(lab.forest.passwordAccount.password()))
  }

  /// Each missing right by itself: Samba has one answer for all.
  @Test func saysWhichRightIsMissing() async throws {
    for account in [lab.forest.serviceAccount, lab.forest.plainAccount] {
      let client = try await lab.replication(as: account)
      let error = try #require(
        await failure {
          _ = try await client.changes(
            ReplicationRequest(context: DSName(name: lab.forest.baseDN), attributes: [.unicodePwd]))
        })
      #expect(error.code == .refused && error.status == WindowsError.replicationAccessDenied, "\(error)")
      #expect(error.remedy.contains("Replicating Directory Changes All"))
    }
  }

  @Test func saysWhatIsNoNamingContext() async throws {
    let client = try await lab.replication(as: lab.forest.passwordAccount)
    let error = try #require(
      await failure {
        _ = try await client.changes(
          ReplicationRequest(context: DSName(name: "DC=not,DC=here"), attributes: [.pwdLastSet]))
      })
    #expect(error.code == .refused && [8439, 8440].contains(error.status), "\(error)")
  }
}
