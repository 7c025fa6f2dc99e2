// SPDX-License-Identifier: Apache-2.0

import Wire

/// Carries one request to whichever KDC of a realm answers (RFC 4120 7.2).
///
/// It blocks its thread and belongs to the provider's own. Each round tries every KDC over the preferred transport, then
/// over the other; the rounds wait longer and longer. What answered last is tried first the next time.
final class KDCTransport {
  struct Answer {
    var bytes: [UInt8]
    var reply: KDCReply
    var kdc: KDCAddress
    var transport: TransportProtocol
  }

  private struct Route: Hashable {
    var kdc: KDCAddress
    var transport: TransportProtocol
  }

  /// RFC 4120 7.2.1: a datagram's payload is below 64 KiB.
  private static let maximumDatagram = 65_535
  /// No realm needs more; a locator that returns hundreds must not keep us for hours.
  private static let maximumKDCs = 16

  let flow: Flow
  private let udpPreferenceLimit: Int
  private let timeouts: [Duration]
  private var lastGood: [String: Route] = [:]

  init(flow: Flow, udpPreferenceLimit: Int, timeouts: [Duration]) {
    self.flow = flow
    self.udpPreferenceLimit = udpPreferenceLimit
    self.timeouts = timeouts
  }

  func exchange(
    _ request: [UInt8], realm: String, kdcs: [KDCAddress], signal: PollInterrupt
  ) throws -> Answer {
    var open = routes(request, realm: realm, kdcs: kdcs)
    let all = open
    var failures: [Route: KDCAttemptFailure] = [:]
    for timeout in timeouts {
      func ask(_ route: Route) throws -> Answer? {
        do throws(KDCAttemptFailure) {
          let answer = try attempt(request, route, timeout: timeout, signal: signal)
          lastGood[realm] = route
          return answer
        } catch {
          if error == .cancelled { throw CancellationError() }
          failures[route] = error
          return nil
        }
      }
      for route in open {
        if let answer = try ask(route) { return answer }
        if failures[route] == .needsTCP, let answer = try ask(Route(kdc: route.kdc, transport: .tcp)) { return answer }
      }
      open.removeAll { failures[$0]?.isFinal == true }
    }
    throw noKDC(realm, all.compactMap { route in failures[route].map { (route, $0) } })
  }

  private func routes(_ request: [UInt8], realm: String, kdcs: [KDCAddress]) -> [Route] {
    let order: [TransportProtocol] =
      udpPreferenceLimit == 0 ? [.tcp] : request.count <= udpPreferenceLimit ? [.udp, .tcp] : [.tcp, .udp]
    var routes = order.flatMap { transport in
      kdcs.prefix(Self.maximumKDCs).map { Route(kdc: $0, transport: transport) }
    }
    if let good = lastGood[realm], kdcs.contains(good.kdc) {
      // A request too large for UDP goes to the same KDC, but over its own preferred transport.
      let transport = order[0] == .udp ? good.transport : order[0]
      let route = Route(kdc: good.kdc, transport: transport)
      routes.removeAll { $0 == route }
      routes.insert(route, at: 0)
    }
    return routes
  }

  private func attempt(
    _ request: [UInt8], _ route: Route, timeout: Duration, signal: PollInterrupt
  ) throws(KDCAttemptFailure) -> Answer {
    let answer =
      switch route.transport {
      case .udp: try askUDP(request, route.kdc, timeout: timeout, signal: signal)
      case .tcp: try askTCP(request, route.kdc, timeout: timeout, signal: signal)
      }
    flow.established(
      route.transport, host: route.kdc.host, address: route.kdc.address, port: route.kdc.port,
      protection: "Kerberos (AS/TGS exchange)")
    if case .error(let error) = answer.reply {
      if error.code == KerberosErrorCode.serviceUnavailable { throw .unavailable }
      if error.code == KerberosErrorCode.responseTooBig, route.transport == .udp { throw .needsTCP }
    }
    return answer
  }

  private func askUDP(
    _ request: [UInt8], _ kdc: KDCAddress, timeout: Duration, signal: PollInterrupt
  ) throws(KDCAttemptFailure) -> Answer {
    let socket = try KDCSocket.connect(kdc, .udp, timeout: timeout, signal: signal)
    try socket.send(request)
    var garbage: ByteError?
    while true {
      do throws(KDCAttemptFailure) {
        let bytes = try socket.receive(Self.maximumDatagram)
        // Anyone can forge a datagram: one that is no Kerberos message must not end the wait for the true one.
        do throws(ByteError) {
          return Answer(bytes: bytes, reply: try KDCReply(bytes), kdc: kdc, transport: .udp)
        } catch {
          garbage = error
        }
        if socket.isLate { throw .noAnswer(timeout) }
      } catch .noAnswer(let time) {
        throw garbage.map { .malformed($0.description) } ?? .noAnswer(time)
      }
    }
  }

  private func askTCP(
    _ request: [UInt8], _ kdc: KDCAddress, timeout: Duration, signal: PollInterrupt
  ) throws(KDCAttemptFailure) -> Answer {
    let socket = try KDCSocket.connect(kdc, .tcp, timeout: timeout, signal: signal)
    try socket.send(KDCFrame.encode(request))
    var frame = KDCFrame()
    while true {
      let bytes = try socket.receive(frame.missing)
      guard !bytes.isEmpty else { throw .closed(received: frame.received.count) }
      do throws(ByteError) {
        guard let message = try frame.append(bytes) else { continue }
        return Answer(bytes: message, reply: try KDCReply(message), kdc: kdc, transport: .tcp)
      } catch {
        throw .malformed(error.description)
      }
    }
  }

  private func noKDC(_ realm: String, _ failures: [(Route, KDCAttemptFailure)]) -> SecurityError {
    let tried = failures.map { "\($0.0.transport.rawValue) \($0.0.kdc): \($0.1)" }.joined(separator: "; ")
    return SecurityError(
      .noKDC, "No KDC of \(realm) answered: \(tried.isEmpty ? "none is known" : tried).",
      remedy:
        "Check that a domain controller of \(realm) runs and that port 88, tcp and udp, is open to these addresses.")
  }
}
