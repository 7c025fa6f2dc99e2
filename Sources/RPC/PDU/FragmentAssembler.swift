// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Cuts a stream of bytes into fragments, however they arrive.
package struct FragmentAssembler: Sendable {
  private var buffer: [UInt8] = []
  private let limit: Int

  /// - Parameter limit: bytes of the longest fragment that is accepted.
  package init(limit: Int = RPCLimits.fragment) { self.limit = limit }

  /// Bytes that belong to a fragment of which the rest is still to come.
  package var pending: [UInt8] { buffer }

  package mutating func append(_ bytes: some Sequence<UInt8>) { buffer.append(contentsOf: bytes) }

  /// The next whole fragment, or nil when more bytes are needed.
  /// - Throws: as soon as what is there cannot begin a fragment that is accepted; the stream is lost then.
  package mutating func next() throws(ByteError) -> [UInt8]? {
    // What does not speak DCE/RPC is found out by its first byte, even when it never sends sixteen.
    if let first = buffer.first, first != 5 {
      throw .malformed(offset: 0, reason: "no DCE/RPC begins with byte 0x\(Hex.encode([first]))")
    }
    guard buffer.count >= PDUHeader.length else { return nil }
    let header = try PDUHeader(Array(buffer.prefix(PDUHeader.length)))
    let length = Int(header.fragmentLength)
    guard length <= limit else {
      throw .malformed(offset: 8, reason: "a fragment of \(length) bytes, \(limit) are accepted")
    }
    guard buffer.count >= length else { return nil }
    let fragment = Array(buffer.prefix(length))
    buffer.removeFirst(length)
    return fragment
  }
}
