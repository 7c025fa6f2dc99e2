// SPDX-License-Identifier: Apache-2.0

import DirectoryLocator
import Wire
package import PortReference

/// Asks a DNS server for what the locator of domain controllers needs: the SRV records of every domain, and the address of
/// a host that they name. Over TCP all questions go out at once (RFC 7766 6.2.1.1).
package struct DNSProber: Prober {
  package let row = RowID.connectADDNS
  package let transport: Transport
  package let specification = "RFC 1035 4, RFC 7766, MS-ADTS 6.3.2.3"

  package init(_ transport: Transport) { self.transport = transport }

  /// Questions need no credentials: what a resolver tells is the operation.
  package func requiredDepth(withCredentials: Bool) -> Depth { .operation }

  /// Questions that one check asks a resolver; a forest of hundreds of domains is proved by some.
  private static let maximumQuestions = 16

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    let names = Self.names(target)
    guard !names.isEmpty else { return log.observe(.systemError("no domain is known to ask for")) }
    guard let replies = await ask(names.map { ($0.name, .service) }, target, context, log) else { return }
    log.reached(.service)
    var hosts: [String] = []
    for (question, reply) in zip(names, replies) {
      switch reply.code {
      case 0 where !reply.services.isEmpty: hosts += reply.services.map(\.target)
      case 0 where reply.isTruncated: break
      case 0: return log.observe(.recordMissing(name: question.name, type: "SRV"))
      case 3: return await absence(of: question, target, context, log)
      // A server without a forwarder for a zone refuses it (5), or fails (2), while it answers for others.
      case 2 where replies.contains(where: \.isAnswer), 5 where replies.contains(where: \.isAnswer):
        return log.observe(.nameNotFound(name: question.zone, zoneExists: false))
      default: return log.observe(.resolverRefused(server: target.endpoint.description, reason: reply.codeName))
      }
    }
    // Truncated over UDP: that the host is told over TCP is the other flow's proof.
    guard let host = hosts.first else { return log.reached(.operation) }
    guard let address = await ask([(host, .address)], target, context, log)?.first else { return }
    switch address.code {
    case 0 where !address.addresses.isEmpty || address.isTruncated: log.reached(.operation)
    // A host may have IPv6 addresses only; its name is known.
    case 0: log.reached(.operation)
    case 3: log.observe(.nameNotFound(name: host, zoneExists: true))
    default: log.observe(.resolverRefused(server: target.endpoint.description, reason: address.codeName))
    }
  }

  private static func names(_ target: ProbeTarget) -> [(name: String, zone: String)] {
    let all = target.zones.flatMap { zone in
      [("_ldap._tcp.dc._msdcs.\(zone.domain)", zone.domain), ("_kerberos._tcp.\(zone.domain)", zone.domain)]
        + (zone.hasCatalog && zone.domain == zone.forest ? [("_gc._tcp.\(zone.forest)", zone.forest)] : [])
    }
    return Array(all.prefix(maximumQuestions)).map { (name: $0.0, zone: $0.1) }
  }

  /// NXDOMAIN: is the zone unknown to the server, or does it lack the records?
  private func absence(
    of question: (name: String, zone: String), _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog
  ) async {
    guard let zone = await ask([(question.zone, .zone)], target, context, log)?.first else { return }
    log.observe(
      zone.code == 3
        ? .nameNotFound(name: question.zone, zoneExists: false) : .recordMissing(name: question.name, type: "SRV"))
  }

  /// - Returns: nil when one of the questions got no answer.
  private func ask(
    _ names: [(name: String, kind: DNSQuery.Kind)], _ target: ProbeTarget, _ context: ProbeContext,
    _ log: ConversationLog
  ) async -> [DNSReply]? {
    let identifiers = Set((0..<names.count * 4).map { _ in UInt16.random(in: 1...UInt16.max) })
    let queries = zip(names, identifiers).compactMap { DNSQuery($0.name, $0.kind, identifier: $1) }
    guard queries.count == names.count else {
      log.observe(.systemError("no DNS name: \(names.map(\.name).joined(separator: ", "))"))
      return nil
    }
    let sent = queries.map { "\(Self.type($0.kind)) \($0.name)" }.joined(separator: ", ")
    switch transport {
    case .tcp:
      guard let socket = await context.sockets.connect(target, deadline: context.deadline, log) else { return nil }
      let bytes = await socket.exchange(
        queries.flatMap(\.streamMessage), limit: 65_537 * queries.count, sent: sent, context, log
      ) { Self.read($0, queries) }
      return bytes.flatMap { Self.replies(DNSQuery.messages(onStream: $0), queries) }
    case .udp:
      return await withTaskGroup(of: (Int, DNSReply?).self) { group in
        for (index, query) in queries.enumerated() {
          group.addTask {
            let answer = await context.sockets.ask(
              target, query.message, sent: "\(Self.type(query.kind)) \(query.name)", deadline: context.deadline, log
            ) { query.reply($0).map(Self.words) }
            return (index, answer.flatMap { query.reply($0) })
          }
        }
        var replies: [Int: DNSReply] = [:]
        for await (index, reply) in group { replies[index] = reply }
        return replies.count == queries.count ? queries.indices.compactMap { replies[$0] } : nil
      }
    }
  }

  private static func read(_ bytes: [UInt8], _ queries: [DNSQuery]) -> ProbeStream.Progress {
    let messages = DNSQuery.messages(onStream: bytes)
    if messages.contains(where: { message in !queries.contains { $0.reply(message) != nil } }) { return .wrong }
    // Whatever is no answer shows by its header, long before the length that it seems to announce.
    if messages.isEmpty, bytes.count >= 6,
      !queries.contains(where: { bytes[2] == UInt8($0.identifier >> 8) && bytes[3] == UInt8($0.identifier & 0xff) })
    {
      return .wrong
    }
    guard let replies = replies(messages, queries) else { return .incomplete }
    return .complete(replies.map(words).joined(separator: "; "))
  }

  private static func replies(_ messages: [[UInt8]], _ queries: [DNSQuery]) -> [DNSReply]? {
    let replies = queries.compactMap { query in messages.lazy.compactMap { query.reply($0) }.first }
    return replies.count == queries.count ? replies : nil
  }

  private static func type(_ kind: DNSQuery.Kind) -> String {
    switch kind {
    case .address: "A"
    case .service: "SRV"
    case .zone: "SOA"
    }
  }

  private static func words(_ reply: DNSReply) -> String {
    let records = reply.services.map { "\($0.target):\($0.port)" } + reply.addresses
    let shown = records.prefix(4).joined(separator: ", ") + (records.count > 4 ? ", …" : "")
    return reply.codeName + (reply.isTruncated ? ", truncated" : "") + (shown.isEmpty ? "" : " \(shown)")
  }
}

extension DNSReply {
  /// The server serves or forwards the zone.
  fileprivate var isAnswer: Bool { code == 0 || code == 3 }
}
