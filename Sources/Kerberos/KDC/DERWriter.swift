// SPDX-License-Identifier: Apache-2.0

/// The little of X.690 that an AS-REQ needs: one-byte tags and definite lengths.
enum DERWriter {
  static func element(_ tag: UInt8, _ contents: [UInt8]...) -> [UInt8] {
    let content = contents.flatMap { $0 }
    return [tag] + length(content.count) + content
  }

  static func integer(_ value: Int64) -> [UInt8] {
    var bytes = withUnsafeBytes(of: value.bigEndian) { Array($0) }
    while bytes.count > 1, (bytes[0] == 0 && bytes[1] < 0x80) || (bytes[0] == 0xff && bytes[1] >= 0x80) {
      bytes.removeFirst()
    }
    return element(DERTag.integer, bytes)
  }

  private static func length(_ count: Int) -> [UInt8] {
    if count < 0x80 { return [UInt8(count)] }
    let bytes = withUnsafeBytes(of: count.bigEndian) { Array($0.drop { $0 == 0 }) }
    return [0x80 | UInt8(bytes.count)] + bytes
  }
}
