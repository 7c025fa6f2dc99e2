// SPDX-License-Identifier: Apache-2.0

import Wire

/// Whom a connection is meant to reach: a DNS name, or a numeric address.
package struct PeerName: Sendable, Hashable, CustomStringConvertible {
  /// The DNS name without its trailing dot; nil for an address.
  let host: String?
  /// The numeric address; nil for a name.
  let address: String?

  package init(_ text: String) {
    let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
    if NumericAddress.bytes(of: bare) != nil {
      host = nil
      address = bare
    } else {
      host = bare.hasSuffix(".") ? String(bare.dropLast()) : bare
      address = nil
    }
  }

  package var description: String { host ?? address ?? "" }
}
