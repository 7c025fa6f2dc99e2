// SPDX-License-Identifier: Apache-2.0

/// Hands an iterator to a stream that is pulled.
///
/// `@unchecked Sendable` proof: `AsyncThrowingStream(unfolding:)` calls its closure from one consumer at a time, each call
/// after the one before has returned, and nothing else holds the iterator.
final class SerialIterator<Iterator: AsyncIteratorProtocol>: @unchecked Sendable {
  private var iterator: Iterator

  init(_ iterator: Iterator) { self.iterator = iterator }

  func next() async throws -> Iterator.Element? { try await iterator.next() }
}
