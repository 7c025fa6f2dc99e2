// SPDX-License-Identifier: Apache-2.0

package import Wire

extension SeededGenerator {
  /// One change of a message as a fault or an enemy makes it: a bit, a byte, an end that is missing, something more, a piece
  /// that stands twice or where it does not belong.
  ///
  /// - Parameters:
  ///   - edges: bytes at which decoders of the protocol decide.
  ///   - piece: pieces that are repeated are shorter than this.
  package mutating func mutate(
    _ bytes: inout [UInt8], edges: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF], piece: Int = 16
  ) {
    guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: .min ... .max, using: &self)) }
    let index = Int.random(in: bytes.indices, using: &self)
    switch Int.random(in: 0..<8, using: &self) {
    case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
    case 1: bytes[index] = edges.randomElement(using: &self) ?? 0
    case 2: bytes[index] = UInt8.random(in: .min ... .max, using: &self)
    case 3: bytes.removeSubrange(index...)
    case 4: bytes.remove(at: index)
    case 5: bytes.insert(UInt8.random(in: .min ... .max, using: &self), at: index)
    case let way:
      let end = min(bytes.count, index + Int.random(in: 0..<piece, using: &self))
      let place = way == 6 ? index : Int.random(in: bytes.indices, using: &self)
      bytes.insert(contentsOf: Array(bytes[index..<end]), at: place)
    }
  }
}
