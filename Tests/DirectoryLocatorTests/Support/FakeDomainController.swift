// SPDX-License-Identifier: Apache-2.0

import LDAP
import NIOCore
import NIOPosix
import Synchronization
import Testing
import TestSupport
import Wire

@testable import DirectoryLocator

/// A CLDAP responder on 127.0.0.1.
final class FakeDomainController: Sendable {
  enum Behaviour: Sendable {
    /// Answers pings for its own domain, others with an empty SearchResultDone.
    case normal
    /// Ignores the first copies of a question.
    case deafUntil(copy: Int)
    case silent
    case garbage
    /// Answers under another message identifier, so that it is no answer.
    case otherMessage
  }

  let name: String
  let port: Int
  private let channel: any Channel
  private let counter: Counter

  /// The pings that arrived.
  var pings: Int { counter.value.withLock { $0 } }

  private final class Counter: Sendable { let value = Mutex(0) }

  init(
    _ name: String, domain: String = "corp.example", forest: String = "corp.example",
    flags: DomainControllerFlags = [.ldap, .writable, .kdc], site: String = "Berlin", clientSite: String = "Berlin",
    opcode: NetlogonReply.Opcode = .samLogonResponse, _ behaviour: Behaviour = .normal
  ) async throws {
    self.name = name
    let counter = Counter()
    self.counter = counter
    let reply = NetlogonReply(
      opcode: opcode, flags: flags, domainGUID: try #require(GUID("6f2c7a5e-0b6e-4b6a-9d8e-2f6d1a3b4c5d")),
      forest: forest, domain: domain, hostName: name, netbiosDomain: "CORP",
      netbiosComputer: String(name.prefix { $0 != "." }).uppercased(), site: site, clientSite: clientSite)
    channel = try await DatagramBootstrap(group: testGroup)
      .channelInitializer { channel in
        channel.pipeline.addHandler(
          DatagramHandler { datagram in
            let copy = counter.value.withLock { value in
              value += 1
              return value
            }
            return Self.respond(to: datagram, copy: copy, domain: domain, reply, behaviour)
          })
      }.bind(host: "127.0.0.1", port: 0).get()
    port = channel.localAddress?.port ?? 0
  }

  func stop() async { try? await channel.close() }

  private static func respond(
    to datagram: [UInt8], copy: Int, domain: String, _ reply: NetlogonReply, _ behaviour: Behaviour
  ) -> [[UInt8]] {
    guard let message = try? LDAPMessage(datagram), case .searchRequest(let search) = message.operation,
      case .and(let terms) = search.filter
    else { return [] }
    let done = LDAPMessage(id: message.id, .searchResultDone(LDAPResult(.success))).encoded
    let isOurs = terms.contains(.equal("DnsDomain", domain))
    func answer(_ id: Int32) -> [UInt8] {
      let entry = SearchEntry(dn: "", attributes: [Attribute("netlogon", [reply.encoded[...]])])
      return LDAPMessage(id: id, .searchResultEntry(entry)).encoded
        + LDAPMessage(id: id, .searchResultDone(LDAPResult(.success))).encoded
    }
    switch behaviour {
    case .silent: return []
    case .garbage: return [[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], [], [0x30, 0x00]]
    case .otherMessage: return [answer(message.id ^ 1)]
    case .deafUntil(let first) where copy < first: return []
    case .normal, .deafUntil: return [isOurs ? answer(message.id) : done]
    }
  }
}
