// SPDX-License-Identifier: Apache-2.0

/// A version of the protocol (MS-SMB2 2.2.3 `Dialects`).
package enum Dialect: UInt16, Sendable, CaseIterable, Comparable, CustomStringConvertible {
  case smb202 = 0x0202
  case smb210 = 0x0210
  case smb300 = 0x0300
  case smb302 = 0x0302
  case smb311 = 0x0311

  package var description: String {
    switch self {
    case .smb202: "SMB 2.0.2"
    case .smb210: "SMB 2.1"
    case .smb300: "SMB 3.0"
    case .smb302: "SMB 3.0.2"
    case .smb311: "SMB 3.1.1"
    }
  }

  package static func < (left: Dialect, right: Dialect) -> Bool { left.rawValue < right.rawValue }
}

/// MS-SMB2 2.2.3 `SecurityMode`.
package struct SecurityMode: OptionSet, Hashable, Sendable {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }
  package static let signingEnabled = SecurityMode(rawValue: 1)
  package static let signingRequired = SecurityMode(rawValue: 2)
}

/// MS-SMB2 2.2.3 `Capabilities`: those that matter here.
struct SMBCapabilities: OptionSet, Hashable, Sendable {
  let rawValue: UInt32
  /// SMB2_GLOBAL_CAP_LARGE_MTU: operations of more than one credit.
  static let largeMTU = SMBCapabilities(rawValue: 4)
  /// SMB2_GLOBAL_CAP_ENCRYPTION, of SMB 3.0 and 3.0.2 only.
  static let encryption = SMBCapabilities(rawValue: 0x40)
}
