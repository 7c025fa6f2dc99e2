// SPDX-License-Identifier: Apache-2.0

/// What carries the fragments of one association: a TCP connection or a pipe. One caller at a time.
///
/// A cancelled call leaves the channel closed: nobody knows what the peer read of it. Where the transport can still carry
/// something, the peer is told first.
protocol FragmentChannel: Sendable {
  /// The peer in words, for messages.
  var peer: String { get }
  /// Bytes of the longest fragment that the channel carries.
  var maximumFragment: Int { get }
  /// - Parameters:
  ///   - answered: whether the peer answers this fragment.
  ///   - cancel: the fragment that tells the peer when the task is cancelled meanwhile; nil where no call is under way.
  func send(_ fragment: [UInt8], answered: Bool, cancel: [UInt8]?) async throws
  /// Waits for the next fragment.
  func receive(cancel: [UInt8]?) async throws -> [UInt8]
  func close() async
}
