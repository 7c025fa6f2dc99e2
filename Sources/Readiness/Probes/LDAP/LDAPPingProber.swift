// SPDX-License-Identifier: Apache-2.0

import LDAP
package import PortReference

/// The LDAP ping: which controller is there, of which domain, and what it offers.
package struct LDAPPingProber: Prober {
  package let row = RowID.connectADLDAP
  package let transport = Transport.udp
  package let specification = "MS-ADTS 6.3.3"

  package init() {}

  /// The ping is anonymous: its answer is the operation.
  package func requiredDepth(withCredentials: Bool) -> Depth { .operation }

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let domain = target.domain else { return log.observe(.systemError("the target's domain is not known")) }
    let id = Int32.random(in: 1...Int32.max)
    let bytes = await context.sockets.ask(
      target, NetlogonPing(domain: domain).datagram(messageID: id), sent: "LDAP ping for \(domain)",
      deadline: context.deadline, log
    ) { Self.read($0, id).map(Self.words) }
    guard let bytes, let answer = Self.read(bytes, id) else { return }
    log.reached(.service)
    switch answer {
    case .wrongDomain: log.observe(.wrongDomain(found: nil, expected: domain))
    case .found(let reply): judge(reply, target, domain, log)
    case .unrelated: break
    }
  }

  private func judge(_ reply: NetlogonReply, _ target: ProbeTarget, _ domain: String, _ log: ConversationLog) {
    log.observe(.webServices(running: reply.flags.contains(.webServices)))
    if reply.domain.lowercased() != domain.lowercased() {
      return log.observe(.wrongDomain(found: reply.domain, expected: domain))
    }
    // A numeric target has no name to compare.
    if target.serverName.contains("."), target.serverName != target.address,
      reply.hostName.lowercased() != target.serverName.lowercased()
    {
      return log.observe(.wrongHost(found: reply.hostName, expected: target.serverName))
    }
    if reply.opcode == .samPauseResponse { return log.observe(.controllerPaused) }
    // MS-ADTS 6.3.1.2: a read-only DC lacks the bit.
    if !reply.flags.contains(.writable) { return log.observe(.readOnlyController) }
    log.reached(.operation)
  }

  private static func read(_ bytes: [UInt8], _ id: Int32) -> NetlogonAnswer? {
    guard let answer = try? NetlogonAnswer(datagram: bytes, messageID: id), answer != .unrelated else { return nil }
    return answer
  }

  private static func words(_ answer: NetlogonAnswer) -> String {
    switch answer {
    case .found(let reply):
      "\(reply.hostName) of \(reply.domain), opcode \(reply.opcode.rawValue), flags 0x\(String(reply.flags.rawValue, radix: 16))"
    case .wrongDomain: "a result without an entry: not of this domain"
    case .unrelated: "an answer to something else"
    }
  }
}
