// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Wire

/// Opens the sockets of a check: with local address and interface, phase times, the kinds of refusal told apart, and no
/// more packets to one target than ``PacketBudget`` allows.
package struct ProbeSockets: Sendable {
  /// Linux repeats a SYN after 1 s and 3 s: in 3.5 s there are three (RFC 6298 2.1 and 5.5).
  package static let handshakePatience = Duration.milliseconds(3500)
  /// Copies of a datagram leave at 0, 0.5 and 1.5 s; the wait ends at 3.5 s.
  package static let datagramPauses: [Duration] = [.milliseconds(500), .seconds(1), .seconds(2)]

  /// With less, the last copy had no time to be answered.
  private static let leastTellingWait = Duration.milliseconds(2500)

  private let thread = SocketThread()
  private let budget: PacketBudget

  package init(budget: PacketBudget = PacketBudget()) { self.budget = budget }

  /// Makes the TCP connection, as the phase `connect` of the log.
  ///
  /// - Parameter port: another than the target's.
  /// - Returns: nil when there is none; the log says why.
  package func connect(
    _ target: ProbeTarget, port: Int? = nil, phase: Phase.Name = .connect, deadline: ContinuousClock.Instant,
    _ log: ConversationLog
  ) async -> ConnectedSocket? {
    let endpoint = Endpoint(host: target.address, port: port ?? target.port)
    let index = log.begin(phase, sent: "TCP SYN to \(endpoint)")
    let start = ContinuousClock.now
    switch await open(endpoint, deadline: deadline) {
    case .success(let socket):
      log.used(localAddress: socket.localAddress, interface: socket.interface)
      log.end(index, received: "SYN-ACK; connected from \(socket.localAddress)")
      log.reached(.port)
      return socket
    case .failure(let failure):
      log.end(index, received: failure.description)
      let planned = min(deadline - start, Self.handshakePatience)
      Self.note(failure, isStream: true, planned: planned, phase, log)
      return nil
    }
  }

  /// Makes a TCP connection without any record.
  package func open(
    _ endpoint: Endpoint, deadline: ContinuousClock.Instant
  ) async -> Result<ConnectedSocket, SocketFailure> {
    guard await budget.wait(for: endpoint.host, until: deadline) else { return .failure(.timedOut) }
    let limit = min(deadline, .now + Self.handshakePatience)
    switch RawSocket.open(endpoint, isStream: true) {
    case .failure(let failure): return .failure(failure)
    case .success(let descriptor):
      switch await wait(descriptor, .connect, limit: limit) {
      case .connected(let descriptor): return .success(ConnectedSocket(descriptor))
      case .failed(let failure, _): return .failure(failure)
      case .answered: return .failure(.cancelled)
      }
    }
  }

  /// Tries one port of a range, to learn about the path: connects and closes.
  package func sample(_ endpoint: Endpoint, deadline: ContinuousClock.Instant) async -> PortSample {
    switch await open(endpoint, deadline: deadline) {
    case .success: .connected
    case .failure(.system(ECONNREFUSED)), .failure(.system(ECONNRESET)): .reset
    case .failure(.icmp): .unreachable
    case .failure: .silent
    }
  }

  /// Sends a datagram, again at 0.5 and 1.5 s, and waits for its answer.
  ///
  /// - Parameters:
  ///   - phase, sent: the line of evidence.
  ///   - silence: the observation when nothing comes; ``Observation/datagramTimeout(seconds:)`` when nil.
  ///   - read: the answer in words, or nil for a datagram that is none: it is waited on, and what came is recorded.
  /// - Returns: nil when there is no answer; the log says why.
  package func ask(
    _ target: ProbeTarget, _ datagram: [UInt8], phase: Phase.Name = .request, sent: String,
    deadline: ContinuousClock.Instant, silence: Observation? = nil, _ log: ConversationLog,
    read: @escaping @Sendable ([UInt8]) -> String?
  ) async -> [UInt8]? {
    let index = log.begin(phase, sent: sent)
    let start = ContinuousClock.now
    guard await budget.wait(for: target.address, until: deadline, packets: Self.datagramPauses.count) else {
      log.observe(.deadline(phase))
      return nil
    }
    let outcome: PendingSocket.Outcome
    switch RawSocket.open(target.endpoint, isStream: false) {
    case .failure(let failure): outcome = .failed(failure, other: nil)
    case .success(let descriptor):
      if let local = NumericAddress.local(descriptor)?.host {
        log.used(localAddress: local, interface: LocalInterfaces.name(of: local))
      }
      let total = Self.datagramPauses.reduce(.zero, +)
      outcome = await wait(
        descriptor, .ask(datagram, pauses: Self.datagramPauses[...], isAnswer: { read($0) != nil }),
        limit: min(deadline, start + total))
    }
    switch outcome {
    case .answered(let answer):
      log.end(index, received: read(answer) ?? "")
      log.reached(.port)
      return answer
    case .failed(_, other: let other?):
      log.end(index, received: "something else: \(AnswerSummary.text(other))")
      log.reached(.port)
      log.observeWrongAnswer(other)
    case .failed(let failure, other: nil):
      log.end(index, received: failure.description)
      if case .timedOut = failure, let silence {
        log.observe(silence)
      } else {
        let planned = min(deadline - start, Self.datagramPauses.reduce(.zero, +))
        Self.note(failure, isStream: false, planned: planned, phase, log)
      }
    case .connected: break
    }
    return nil
  }

  private func wait(
    _ descriptor: CInt, _ work: sending PendingSocket.Work, limit: ContinuousClock.Instant
  ) async -> PendingSocket.Outcome {
    let cancellation = CancellationFlag()
    let thread = thread
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        thread.submit(
          PendingSocket(
            descriptor: descriptor, work, limit: limit, cancellation: cancellation, continuation: continuation))
      }
    } onCancel: {
      cancellation.request()
      thread.noteCancellation()
    }
  }

  /// A wait that the deadline cut short says less than a full one. What counts is the wait that was planned: a thread that
  /// ran late on a busy machine has not waited for the peer.
  private static func note(
    _ failure: SocketFailure, isStream: Bool, planned: Duration, _ phase: Phase.Name, _ log: ConversationLog
  ) {
    let wasCut = failure == .cancelled || (failure == .timedOut && planned < leastTellingWait)
    log.observe(
      wasCut ? .deadline(phase) : failure.observation(isStream: isStream, seconds: planned / .seconds(1)))
    // The host itself answers: the way there and back is open.
    switch failure {
    case .system(ECONNREFUSED), .system(ECONNRESET): log.reached(.path)
    default: break
    }
  }
}

/// Sockets before they are connected.
enum RawSocket {
  /// A socket that is connected (UDP) or about to be (TCP), keeping its ICMP errors.
  static func open(_ endpoint: Endpoint, isStream: Bool) -> Result<CInt, SocketFailure> {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    hints.ai_socktype = CInt((isStream ? SOCK_STREAM : SOCK_DGRAM).rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard (0...65_535).contains(endpoint.port),
      getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list) == 0, let list
    else { return .failure(.notNumeric(endpoint.host)) }
    defer { freeaddrinfo(list) }
    let flags = CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(list.pointee.ai_family, hints.ai_socktype | flags, 0)
    guard descriptor >= 0 else { return .failure(.system(errno)) }
    ErrorQueue.enable(descriptor, ipv6: list.pointee.ai_family == AF_INET6)
    // Taken at once: looking into the error queue sets errno, too.
    let number = connect(descriptor, list.pointee.ai_addr, list.pointee.ai_addrlen) == 0 ? 0 : errno
    if number != 0, number != EINPROGRESS {
      let failure = ErrorQueue.next(descriptor).map { SocketFailure.icmp($0) } ?? .system(number)
      close(descriptor)
      return .failure(failure)
    }
    return .success(descriptor)
  }
}
