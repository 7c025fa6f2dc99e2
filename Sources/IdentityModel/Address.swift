// SPDX-License-Identifier: Apache-2.0

/// Mail addresses: `SMTP:` marks the primary one, `smtp:` the others.
package enum Address {
  /// An address without its prefix.
  package static func bare(_ address: String) -> String {
    address.lowercased().hasPrefix("smtp:") ? String(address.dropFirst(5)) : address
  }
}
