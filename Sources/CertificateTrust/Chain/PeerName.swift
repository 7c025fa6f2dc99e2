// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Whom a connection is meant to reach: a DNS name, or a numeric address.
package struct PeerName: Sendable, Hashable, CustomStringConvertible {
  /// The DNS name without its trailing dot; nil for an address.
  let host: String?
  /// The numeric address; nil for a name.
  let address: String?

  package init(_ text: String) {
    let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
    if Self.isAddress(bare) {
      host = nil
      address = bare
    } else {
      host = bare.hasSuffix(".") ? String(bare.dropLast()) : bare
      address = nil
    }
  }

  package var description: String { host ?? address ?? "" }

  private static func isAddress(_ text: String) -> Bool {
    var v4 = in_addr()
    var v6 = in6_addr()
    return inet_pton(AF_INET, text, &v4) == 1 || inet_pton(AF_INET6, text, &v6) == 1
  }

  /// The text form of the 4 or 16 bytes of a certificate's `iPAddress`; nil for any other length.
  static func text(ofAddress bytes: ArraySlice<UInt8>) -> String? {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    let written = bytes.withUnsafeBytes { inet_ntop(family, $0.baseAddress, &text, socklen_t(text.count)) }
    guard written != nil else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
