// SPDX-License-Identifier: Apache-2.0

/// Identifier octets (X.690 8.1.2). LDAP uses single-octet tags only (RFC 4511 5.1 and appendix B).
package enum BERTag {
  package static let boolean: UInt8 = 0x01
  package static let integer: UInt8 = 0x02
  package static let octetString: UInt8 = 0x04
  package static let enumerated: UInt8 = 0x0A
  package static let sequence: UInt8 = 0x30
  package static let set: UInt8 = 0x31

  package static func context(_ number: UInt8, constructed: Bool = false) -> UInt8 {
    0x80 | (constructed ? 0x20 : 0) | (number & 0x1F)
  }
}
