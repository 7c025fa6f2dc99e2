// SPDX-License-Identifier: Apache-2.0

/// Text as Windows' protocols carry it (MS-DTYP 2.2.36): UTF-16, least significant byte first, without an end mark.
package enum UTF16Text {
  package static func encode(_ text: String) -> [UInt8] {
    text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
  }

  /// An odd last byte is dropped, what is no UTF-16 becomes U+FFFD.
  package static func decode(_ bytes: [UInt8]) -> String {
    let units = stride(from: 0, to: bytes.count - bytes.count % 2, by: 2).map {
      UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
    }
    return String(decoding: units, as: UTF16.self)
  }
}
