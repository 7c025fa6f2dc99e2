// SPDX-License-Identifier: Apache-2.0

/// What carries the fragments of one association: a TCP connection or a pipe. One caller at a time.
///
/// A cancelled call leaves the channel closed: nobody knows what the peer read of it.
protocol FragmentChannel: Sendable {
  /// The peer in words, for messages.
  var peer: String { get }
  /// Bytes of the longest fragment that the channel carries.
  var maximumFragment: Int { get }
  /// - Parameter answered: whether the peer answers this fragment.
  func send(_ fragment: [UInt8], answered: Bool) async throws
  /// Waits for the next fragment.
  func receive() async throws -> [UInt8]
  func close() async
}
