// SPDX-License-Identifier: Apache-2.0

import Glibc
import Wire

/// A key distribution centre by name and numeric address.
struct KDCAddress: Hashable, Sendable, CustomStringConvertible {
  /// The name it was found under; empty when only the address is known.
  var host: String
  var address: String
  var port: Int

  var description: String {
    let endpoint = Endpoint(host: address, port: port).description
    return host.isEmpty ? endpoint : "\(host) (\(endpoint))"
  }
}

/// Why one attempt with one KDC over one transport came to nothing.
enum KDCAttemptFailure: Error, Hashable, CustomStringConvertible {
  case cancelled
  case notNumeric
  case noAnswer(Duration)
  /// The system's error number.
  case system(Int32)
  case closed(received: Int)
  case malformed(String)
  case unavailable
  /// KRB_ERR_RESPONSE_TOO_BIG: the answer does not fit a datagram.
  case needsTCP

  /// True when trying again, or waiting longer, cannot help.
  var isFinal: Bool {
    switch self {
    case .cancelled, .notNumeric, .system, .malformed, .needsTCP: true
    case .noAnswer, .closed, .unavailable: false
    }
  }

  var description: String {
    switch self {
    case .cancelled: "cancelled"
    case .notNumeric: "its name was not resolved to an address"
    case .noAnswer(let time): "no answer within \(HumanTime.text(time))"
    case .system(ECONNREFUSED): "connection refused"
    case .system(let number): String(cString: strerror(number)).lowercased()
    case .closed(let received): "closed the connection after \(received) bytes"
    case .malformed(let reason): "answered with something that is no Kerberos message (\(reason))"
    case .needsTCP: "answered that its reply needs TCP"
    case .unavailable: "answered that its service is unavailable"
    }
  }
}

/// A blocking-in-appearance socket to one KDC: non-blocking with `poll`, an absolute deadline and a cancellation signal.
struct KDCSocket: ~Copyable {
  private let descriptor: Int32
  private let timeout: Duration
  private let deadline: ContinuousClock.Instant
  private let signal: PollInterrupt

  private init(descriptor: Int32, timeout: Duration, deadline: ContinuousClock.Instant, signal: PollInterrupt) {
    self.descriptor = descriptor
    self.timeout = timeout
    self.deadline = deadline
    self.signal = signal
  }

  /// Creates the socket and connects it. A connected UDP socket receives from its peer only, and learns of refusals.
  static func connect(
    _ kdc: KDCAddress, _ transport: TransportProtocol, timeout: Duration, signal: PollInterrupt
  ) throws(KDCAttemptFailure) -> KDCSocket {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    hints.ai_socktype = Int32((transport == .udp ? SOCK_DGRAM : SOCK_STREAM).rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(kdc.address, String(kdc.port), &hints, &list) == 0, let list else { throw .notNumeric }
    defer { freeaddrinfo(list) }
    let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = Glibc.socket(list.pointee.ai_family, hints.ai_socktype | flags, 0)
    guard descriptor >= 0 else { throw .system(errno) }
    let socket = KDCSocket(descriptor: descriptor, timeout: timeout, deadline: .now + timeout, signal: signal)
    if Glibc.connect(descriptor, list.pointee.ai_addr, list.pointee.ai_addrlen) != 0 {
      guard errno == EINPROGRESS else { throw .system(errno) }
      try socket.wait(for: Int16(POLLOUT))
      var failure: Int32 = 0
      var size = socklen_t(MemoryLayout<Int32>.size)
      getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
      guard failure == 0 else { throw .system(failure) }
    }
    return socket
  }

  deinit { close(descriptor) }

  var isLate: Bool { deadline <= .now }

  private func wait(for events: Int16) throws(KDCAttemptFailure) {
    while true {
      let left = max(.zero, deadline - .now)
      var descriptors = [
        pollfd(fd: descriptor, events: events, revents: 0),
        signal.interest,
      ]
      let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
      let count = poll(&descriptors, 2, Int32(clamping: milliseconds))
      if count < 0, errno != EINTR { throw .system(errno) }
      if descriptors[1].revents != 0, count > 0 { throw .cancelled }
      if descriptors[0].revents != 0, count > 0 { return }
      // Only after a look: a thread that ran late on a busy machine still takes what came in time.
      guard left > .zero else { throw .noAnswer(timeout) }
    }
  }

  func send(_ bytes: [UInt8]) throws(KDCAttemptFailure) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        sent += count
      } else if errno == EAGAIN || errno == EWOULDBLOCK {
        try wait(for: Int16(POLLOUT))
      } else if errno != EINTR {
        throw .system(errno)
      }
    }
  }

  /// At most `limit` bytes, or one datagram; empty when the peer has closed the stream.
  func receive(_ limit: Int) throws(KDCAttemptFailure) -> [UInt8] {
    while true {
      var failure: Int32 = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
        let received = recv(descriptor, buffer.baseAddress, limit, 0)
        failure = received < 0 ? errno : 0
        count = max(0, received)
      }
      switch failure {
      case 0: return bytes
      case EAGAIN, EWOULDBLOCK: try wait(for: Int16(POLLIN))
      case EINTR: continue
      default: throw .system(failure)
      }
    }
  }
}
