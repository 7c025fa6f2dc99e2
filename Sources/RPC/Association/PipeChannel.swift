// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Wire

/// Fragments over a pipe that is already signed in (MS-RPCE 2.1.1.2): each message of the pipe is one fragment.
///
/// A cancelled pipe is out of step and carries nothing more, no co_cancel either: its closing tells the peer.
final class PipeChannel: FragmentChannel {
  private let pipe: any PipeTransport
  /// What came with the answered fragment and was not asked for yet.
  private let assembler = Mutex(FragmentAssembler())

  init(_ pipe: any PipeTransport) { self.pipe = pipe }

  var peer: String { pipe.name }
  var maximumFragment: Int { min(pipe.maximumMessageSize, RPCLimits.fragment) }

  func send(_ fragment: [UInt8], answered: Bool, cancel: [UInt8]?) async throws {
    guard answered else { return try await pipe.write(fragment) }
    let message = try await pipe.transceive(fragment)
    assembler.withLock { $0.append(message) }
  }

  func receive(cancel: [UInt8]?) async throws -> [UInt8] {
    while true {
      if let fragment = try next() { return fragment }
      let message = try await pipe.read()
      guard !message.isEmpty else {
        throw RPCError(
          .closed, "\(peer) ended the pipe where an answer was due.",
          remedy: "Connect again; look into the server's log.")
      }
      assembler.withLock { $0.append(message) }
    }
  }

  private func next() throws(RPCError) -> [UInt8]? {
    do {
      return try assembler.withLock { assembler throws(ByteError) in try assembler.next() }
    } catch {
      throw RPCError.malformed(peer, error.description)
    }
  }

  func close() async { await pipe.close() }
}
