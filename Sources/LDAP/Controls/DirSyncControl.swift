// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-ADTS 3.1.1.3.4.1.3, `LDAP_SERVER_DIRSYNC_OID`:
///
///     DirSyncRequestValue ::= SEQUENCE {
///          Flags           INTEGER,
///          MaxBytes        INTEGER,
///          Cookie          OCTET STRING }
///     DirSyncResponseValue ::= SEQUENCE {
///          MoreResults     INTEGER,
///          unused          INTEGER,
///          CookieServer    OCTET STRING }
package struct DirSyncFlags: OptionSet, Sendable, Hashable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Only what the account may read; works without a special right, but hides deletions.
  package static let objectSecurity = Self(rawValue: 0x1)
  /// Parents before their children.
  package static let ancestorsFirst = Self(rawValue: 0x800)
  /// No secrets.
  package static let publicDataOnly = Self(rawValue: 0x2000)
  /// Only the values of a link that were added or removed, not the whole list.
  package static let incrementalValues = Self(rawValue: 0x8000_0000)
}

enum DirSyncControl {
  static func request(flags: DirSyncFlags, maximumBytes: Int32, cookie: [UInt8]) -> Control {
    var writer = BERWriter()
    writer.constructed {
      $0.integer(Int32(bitPattern: flags.rawValue))
      $0.integer(maximumBytes)
      $0.octetString(cookie)
    }
    return Control(.dirSync, isCritical: true, value: writer.bytes)
  }

  static func response(_ control: Control) throws(ByteError) -> (hasMore: Bool, cookie: [UInt8]) {
    var reader = BERReader(control.value ?? [])
    var content = try reader.enter()
    let more = try content.readInteger()
    _ = try content.readInteger()
    return (more != 0, Array(try content.readOctetString()))
  }
}
