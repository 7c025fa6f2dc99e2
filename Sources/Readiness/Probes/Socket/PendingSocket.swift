// SPDX-License-Identifier: Apache-2.0

import Glibc
import Wire

/// One socket that waits for its peer: a TCP handshake, or a datagram and its answer. Used by ``SocketThread`` only, once
/// it is handed over.
final class PendingSocket {
  enum Work {
    case connect
    /// The copies that are still to be sent go out after the pauses; the last pause is the wait for the last copy.
    case ask([UInt8], pauses: ArraySlice<Duration>, isAnswer: @Sendable ([UInt8]) -> Bool)
  }

  /// What the waiting task gets.
  enum Outcome: Sendable {
    /// The caller owns the descriptor from now on.
    case connected(CInt)
    case answered([UInt8])
    /// With the last datagram that was no answer.
    case failed(SocketFailure, other: [UInt8]?)
  }

  /// RFC 768: a datagram's payload is below 64 KiB.
  private static let maximumDatagram = 65_535

  private(set) var descriptor: CInt
  private(set) var due: ContinuousClock.Instant
  private var work: Work
  private let limit: ContinuousClock.Instant
  private let cancellation: CancellationFlag
  private let continuation: CheckedContinuation<Outcome, Never>
  private var lastOther: [UInt8]?

  /// - Parameter limit: when waiting ends in any case.
  init(
    descriptor: CInt, _ work: Work, limit: ContinuousClock.Instant, cancellation: CancellationFlag,
    continuation: CheckedContinuation<Outcome, Never>
  ) {
    self.descriptor = descriptor
    self.work = work
    self.limit = limit
    due = limit
    self.cancellation = cancellation
    self.continuation = continuation
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  var interest: pollfd {
    let events = if case .connect = work { Int16(POLLOUT) } else { Int16(POLLIN) }
    return pollfd(fd: descriptor, events: events, revents: 0)
  }

  /// Sends the first copy of a datagram.
  /// - Returns: true when all is over already.
  func begin(at now: ContinuousClock.Instant) -> Bool {
    if cancellation.isRequested { return finish(.failed(.cancelled, other: nil)) }
    if case .ask = work { return sendCopy(at: now) }
    return false
  }

  /// - Returns: true when all is over.
  func process(_ events: Int16) -> Bool {
    guard events != 0 else { return false }
    switch work {
    case .connect:
      let failure = pendingError
      if failure == 0, Int32(events) & (POLLERR | POLLHUP) == 0 {
        let connected = descriptor
        descriptor = -1
        return finish(.connected(connected))
      }
      return finish(.failed(ErrorQueue.next(descriptor).map { .icmp($0) } ?? .system(failure), other: nil))
    case .ask(_, _, let isAnswer):
      if Int32(events) & POLLIN != 0, receive(isAnswer) { return true }
      return Int32(events) & POLLERR != 0 && fail(pendingError)
    }
  }

  /// Sends the next copy, or gives up.
  /// - Returns: true when all is over.
  func processTime(_ now: ContinuousClock.Instant) -> Bool {
    if cancellation.isRequested { return finish(.failed(.cancelled, other: lastOther)) }
    guard now >= due else { return false }
    if now < limit, case .ask(_, let pauses, _) = work, !pauses.isEmpty { return sendCopy(at: now) }
    if case .connect = work, UnansweredHandshake.wasHeldBack(descriptor) {
      return finish(.failed(.heldBack, other: nil))
    }
    return finish(.failed(.timedOut, other: lastOther))
  }

  private func sendCopy(at now: ContinuousClock.Instant) -> Bool {
    guard case .ask(let datagram, var pauses, let isAnswer) = work, let pause = pauses.popFirst() else { return false }
    work = .ask(datagram, pauses: pauses, isAnswer: isAnswer)
    due = min(limit, now + pause)
    // An error that is left from an earlier copy is returned here.
    return send(descriptor, datagram, datagram.count, CInt(MSG_NOSIGNAL)) < 0 && fail(errno)
  }

  private func receive(_ isAnswer: (([UInt8]) -> Bool)) -> Bool {
    while true {
      var failure: CInt = 0
      let datagram = [UInt8](unsafeUninitializedCapacity: Self.maximumDatagram) { buffer, count in
        let received = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        failure = received < 0 ? errno : 0
        count = max(0, received)
      }
      if failure == EINTR { continue }
      guard failure == 0 else { return failure == EAGAIN ? false : fail(failure) }
      if isAnswer(datagram) { return finish(.answered(datagram)) }
      lastOther = datagram
    }
  }

  /// An error is the end, unless it only says that the datagram must travel in smaller pieces.
  private func fail(_ number: CInt) -> Bool {
    while let error = ErrorQueue.next(descriptor) {
      if !error.isSizeOnly { return finish(.failed(.icmp(error), other: lastOther)) }
    }
    if number == 0 || number == EMSGSIZE || number == EAGAIN { return false }
    return finish(.failed(.system(number), other: lastOther))
  }

  private var pendingError: CInt {
    var failure: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
    return failure
  }

  /// Called exactly once: whoever gets true lets go of the object.
  func finish(_ outcome: Outcome) -> Bool {
    continuation.resume(returning: outcome)
    return true
  }
}
