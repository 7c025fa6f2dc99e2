// SPDX-License-Identifier: Apache-2.0

/// A message-mode pipe to one service of a peer, already signed in: what RPC's `ncacn_np` runs on (MS-RPCE 2.1.1.2).
///
/// Calls follow each other; two at once are refused. After a failure or a cancellation the pipe is out of step and
/// refuses everything but ``close()``.
package protocol PipeTransport: Sendable {
  /// The peer in words, for messages: `dc1.corp.example, pipe samr`.
  var name: String { get }
  /// Bytes that a message may have in either direction.
  var maximumMessageSize: Int { get }
  /// The key from which services of the peer derive others, for example those that encrypt passwords (MS-SAMR
  /// 3.2.2.2): 16 bytes.
  var sessionKey: SecretBytes { get }
  /// Sends a message that has no answer of its own: a fragment that others follow.
  func write(_ message: [UInt8]) async throws
  /// Sends a message and waits for the first message of its answer.
  func transceive(_ message: [UInt8]) async throws -> [UInt8]
  /// Waits for the next message: a further fragment of an answer.
  func read() async throws -> [UInt8]
  /// Closes the pipe; never fails, since nothing depends on the outcome.
  func close() async
}
