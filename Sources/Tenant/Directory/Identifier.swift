// SPDX-License-Identifier: Apache-2.0

import Wire

/// Makes the identifiers of resources and requests.
enum Identifier {
  /// A random identifier in the form of RFC 9562 5.4 (version 4).
  static func make(_ random: (Int) -> [UInt8]) -> String {
    var bytes = random(16)
    bytes[6] = bytes[6] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    return text(bytes)
  }

  /// The text form of 16 bytes, the first digit first.
  static func text(_ bytes: [UInt8]) -> String {
    var rest = Hex.encode(bytes)[...]
    return [8, 4, 4, 4, 12].map { length in
      defer { rest = rest.dropFirst(length) }
      return String(rest.prefix(length))
    }.joined(separator: "-")
  }
}
