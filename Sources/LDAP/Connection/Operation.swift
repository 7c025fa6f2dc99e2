// SPDX-License-Identifier: Apache-2.0

/// A request with its controls.
struct Request: Sendable {
  var operation: ProtocolOperation
  var controls: [Control] = []
  /// Entries are wanted as they arrive (``UnparsedEntry``).
  var leavesEntriesUnparsed = false
}

/// Decides on the event loop, with the final answer of a request in hand, whether another request continues it: the
/// next page is asked for while the consumer still works on this one.
typealias FollowUp = @Sendable (LDAPMessage) -> Request?

/// An operation in the hands of the task that asked for it. When the last reference goes before the final answer has
/// come, the operation is abandoned (RFC 4511 4.11).
final class Operation: Sendable {
  private let stream: ResponseStream
  private let abandon: @Sendable () -> Void

  init(_ stream: ResponseStream, abandon: @escaping @Sendable () -> Void) {
    self.stream = stream
    self.abandon = abandon
  }

  deinit {
    if !stream.isFinished { abandon() }
    stream.discard()
  }

  /// The answers that have arrived, at least one; empty at the end.
  func next() async throws -> [LDAPMessage] {
    do {
      return try await stream.next()
    } catch {
      abandon()
      throw error
    }
  }

  /// The only answer of a request that has one.
  func response() async throws -> LDAPMessage? { try await next().first }
}
