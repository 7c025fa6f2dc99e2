// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Kerberos
import NIOPosix
import RPC
import Testing
import TestSupport
import Wire

/// The lab's first controller, as the RPC tests see it.
struct RPCLab {
  let kerberos: KerberosLab
  let flows = RecordedFlows()

  init() throws { kerberos = try KerberosLab() }

  var forest: LabDescription.Forest { kerberos.forest }
  var server: ServerAddress {
    ServerAddress(
      host: kerberos.controller.host, address: kerberos.controller.address,
      port: kerberos.controller.ports["rpc-endpoint-mapper"] ?? RPCConnector.endpointMapperPort)
  }

  var connector: RPCConnector {
    RPCConnector(flows: .init(recorder: flows), group: MultiThreadedEventLoopGroup.singleton)
  }

  func security(
    _ account: LabDescription.Account, _ mechanism: SecurityParameters.Mechanism = .kerberos
  ) throws -> RPCSecurity {
    let provider = try kerberos.provider(principal: account.principal, password: account.password())
    return .privacy(provider, kerberos.ldap, mechanism)
  }

  /// A bound replication client of the account.
  func replication(
    as account: LabDescription.Account, _ mechanism: SecurityParameters.Mechanism = .kerberos
  ) async throws -> DRSClient {
    try await DRSClient.bind(connector.connect(to: server, .drsuapi, security: security(account, mechanism)))
  }

  // MARK: - Password hashes, as digests

  struct Account {
    var name: String
    var identifier: UInt32
    var digest: String
    var version: UInt32
    var hasControl: Bool
    var hasTime: Bool
  }

  struct Reading {
    var accounts: [Account] = []
    var pages = 0
    var invocation = GUID.zero
    var known: UpToDateVector?
  }

  static func digest(of hash: some Collection<UInt8>) -> String {
    SHA256.hash(data: Array(hash)).map { String(format: "%02x", $0) }.joined()
  }

  /// All pages, from where the request begins; it then stands where they end.
  static func readPasswords(_ client: DRSClient, _ request: inout ReplicationRequest) async throws -> Reading {
    let key = try await client.sessionKey()
    var reading = Reading()
    while true {
      let reply = try await client.changes(request)
      reading.pages += 1
      for object in reply.objects {
        guard let payload = object.attributes[.unicodePwd]?.first, let identifier = object.name.sid?.relativeIdentifier
        else { continue }
        let hash = try ReplicatedSecret.ntHash(payload, account: identifier, sessionKey: key)
        reading.accounts.append(
          Account(
            name: object.name.name, identifier: identifier, digest: hash.withBytes { digest(of: $0) },
            version: object.versions[.unicodePwd]?.number ?? 0,
            hasControl: object.attributes[.userAccountControl]?.first?.count == 4,
            hasTime: object.attributes[.pwdLastSet]?.first?.count == 8))
      }
      (request.from, request.invocation) = (reply.next, reply.invocation)
      (reading.invocation, reading.known) = (reply.invocation, reply.known)
      if !reply.hasMore { return reading }
    }
  }

  /// What python3-samba finds in the server's database: relative identifier and digest of the NT hash.
  func digestsFromDatabase() throws -> [UInt32: String] {
    let script = """
      import hashlib, sys
      from samba.auth import system_session
      from samba.dcerpc import security
      from samba.ndr import ndr_unpack
      from samba.param import LoadParm
      from samba.samdb import SamDB
      lp = LoadParm()
      lp.load(sys.argv[1] + "/etc/smb.conf")
      db = SamDB(url=sys.argv[1] + "/private/sam.ldb", session_info=system_session(lp), lp=lp)
      for found in db.search(expression="(unicodePwd=*)", attrs=["unicodePwd", "objectSid"], base=db.get_default_basedn()):
          sid = ndr_unpack(security.dom_sid, found["objectSid"][0])
          print(sid.split()[1], hashlib.sha256(bytes(found["unicodePwd"][0])).hexdigest())
      """
    let (code, output) = try kerberos.run("/usr/bin/python3", ["-c", script, try controllerDirectory()])
    try #require(code == 0, "\(output)")
    var digests: [UInt32: String] = [:]
    for line in output.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, let identifier = UInt32(words[0]), words[1].count == 64 {
        digests[identifier] = String(words[1])
      }
    }
    return digests
  }

  /// Where the first controller keeps its files: the lab's layout is that of `bridgehead lab up`.
  func controllerDirectory() throws -> String {
    let directory = "\(try #require(Lab.current).directory)/dc/\(kerberos.controller.host)"
    try #require(FileManager.default.fileExists(atPath: directory))
    return directory
  }
}
