// SPDX-License-Identifier: Apache-2.0

/// The bytes by which a source identifies an entry for its whole life; for Active Directory the `objectGUID`.
package struct Anchor: Hashable, Sendable {
  package let bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }
}
