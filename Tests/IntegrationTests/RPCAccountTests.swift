// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOPosix
import RPC
import Testing
import Wire

/// LSARPC and SAMR, which Samba serves over local sockets and pipes only: the local socket of the lab's controller, sealed
/// with Kerberos all the same. What needs the key of an SMB session is tested over SMB.
@Suite(.enabled(if: Lab.current != nil)) struct RPCAccountTests {
  private let lab: RPCLab

  init() throws { lab = try RPCLab() }

  private func connect(
    _ interface: RPCInterface, as account: LabDescription.Account,
    _ mechanism: SecurityParameters.Mechanism = .kerberos
  ) async throws -> RPCAssociation {
    try await RPCAssociation.connect(
      toSocket: "\(lab.controllerDirectory())/run/ncalrpc/DEFAULT", interface,
      security: lab.security(account, mechanism), group: MultiThreadedEventLoopGroup.singleton)
  }

  private var domainSID: SecurityIdentifier {
    get throws { try #require(SecurityIdentifier(lab.forest.domainSID)) }
  }

  @Test(arguments: [SecurityParameters.Mechanism.kerberos, .spnego])
  func readsThePolicy(_ mechanism: SecurityParameters.Mechanism) async throws {
    let client = try await LSAClient.open(connect(.lsarpc, as: lab.forest.serviceAccount, mechanism))
    let domain = try await client.domain()
    #expect(domain.netBIOSName == lab.forest.netbios && domain.dnsName == lab.forest.name)
    #expect(domain.forest == lab.forest.name && domain.guid != .zero)
    #expect(domain.sid == (try domainSID))
    #expect(try await client.trusts().isEmpty)
    let sids = ["\(lab.forest.domainSID)-500", "S-1-5-11", "\(lab.forest.domainSID)-4000000"]
    let names = try await client.names(of: sids.map { try #require(SecurityIdentifier($0)) })
    #expect(names.map(\.name).prefix(2) == ["Administrator", "Authenticated Users"])
    #expect(names.map(\.domain).first == lab.forest.netbios)
    #expect(names.map(\.use).first == 1 && names.last?.use == 8, "\(names)")
    try await client.close()
  }

  /// Samba serves the policy over pipes and local sockets only; the fault says so in words.
  @Test func explainsAFault() async throws {
    let association = try await lab.connector.connect(
      to: lab.server, .lsarpc, security: lab.security(lab.forest.serviceAccount))
    let error = await #expect(throws: RPCError.self) { _ = try await LSAClient.open(association) }
    #expect(error?.code == .fault && error?.status == 5 && error?.message.contains("rpc_s_access_denied") == true)
  }

  @Test func readsAccounts() async throws {
    let client = try await SAMClient.connect(
      connect(.samr, as: lab.forest.serviceAccount), host: lab.kerberos.controller.host)
    #expect(try await client.identifier(ofDomain: lab.forest.netbios) == domainSID)
    let domain = try await client.openDomain(domainSID, .lookUp)
    let identifier = try await client.relativeIdentifier(of: "Administrator", in: domain)
    #expect(identifier == 500)
    let user = try await client.openUser(identifier, in: domain, .readUser)
    let information = try await client.information(of: user)
    #expect(information.identifier == 500 && information.control & SAMClient.AccountControl.normal != 0)
    #expect(information.passwordLastSet.unixSeconds > 1_600_000_000)
    let error = await #expect(throws: RPCError.self) {
      _ = try await client.relativeIdentifier(of: "nobody-of-this-name", in: domain)
    }
    #expect(error?.code == .refused && error?.status == NTStatus.noneMapped.rawValue)
    try await client.close(user)
    try await client.close(domain)
  }

  /// An account is created, controlled and deleted again by who may; who may not gets told.
  @Test func createsAccounts() async throws {
    let client = try await SAMClient.connect(
      connect(.samr, as: lab.forest.administrator), host: lab.kerberos.controller.host)
    let domain = try await client.openDomain(domainSID, [.lookUp, .createUser])
    let (user, identifier) = try await client.createUser(
      "RPCTEST$", in: domain, type: SAMClient.AccountControl.workstation, .maximum)
    #expect(try await client.relativeIdentifier(of: "RPCTEST$", in: domain) == identifier)
    #expect(try await client.information(of: user).control & SAMClient.AccountControl.disabled != 0)
    try await client.setControl(SAMClient.AccountControl.workstation, of: user)
    #expect(try await client.information(of: user).control == SAMClient.AccountControl.workstation)
    let taken = await #expect(throws: RPCError.self) {
      _ = try await client.createUser(
        "RPCTEST$", in: domain, type: SAMClient.AccountControl.workstation, .maximum)
    }
    #expect(taken?.status == NTStatus.userExists.rawValue)
    let other = try await SAMClient.connect(
      connect(.samr, as: lab.forest.plainAccount), host: lab.kerberos.controller.host)
    let denied = await #expect(throws: RPCError.self) {
      let domain = try await other.openDomain(domainSID, .lookUp)
      let user = try await other.openUser(500, in: domain, .maximum)
      try await other.setControl(SAMClient.AccountControl.normal, of: user)
    }
    #expect(denied?.status == NTStatus.accessDenied.rawValue && denied?.remedy.contains("right") == true)
    try await client.delete(user)
    let gone = await #expect(throws: RPCError.self) {
      _ = try await client.relativeIdentifier(of: "RPCTEST$", in: domain)
    }
    #expect(gone?.status == NTStatus.noneMapped.rawValue)
  }
}
