// SPDX-License-Identifier: Apache-2.0

/// MS-ADTS 6.3.1.2 `DS_FLAG` options bits: what a domain controller says of itself.
package struct DomainControllerFlags: OptionSet, Sendable, Hashable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let pdc = Self(rawValue: 0x1)
  package static let globalCatalog = Self(rawValue: 0x4)
  package static let ldap = Self(rawValue: 0x8)
  package static let directoryService = Self(rawValue: 0x10)
  package static let kdc = Self(rawValue: 0x20)
  package static let timeService = Self(rawValue: 0x40)
  /// The DC is in the client's site.
  package static let closest = Self(rawValue: 0x80)
  package static let writable = Self(rawValue: 0x100)
  package static let goodTimeService = Self(rawValue: 0x200)
  package static let nonDomainNamingContext = Self(rawValue: 0x400)
  /// A read-only DC of Windows Server 2008 or later.
  package static let readOnly = Self(rawValue: 0x800)
  /// A writable DC of Windows Server 2008 or later.
  package static let fullSecrets = Self(rawValue: 0x1000)
  /// AD Web Services listen on 9389.
  package static let webServices = Self(rawValue: 0x2000)
  package static let windows8 = Self(rawValue: 0x4000)
  package static let windows8Point1 = Self(rawValue: 0x8000)
}

/// MS-ADTS 6.3.1.1 `NETLOGON_NT_VERSION` options bits.
package struct NetlogonVersion: OptionSet, Sendable, Hashable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let version1 = Self(rawValue: 0x1)
  package static let version5 = Self(rawValue: 0x2)
  package static let version5EX = Self(rawValue: 0x4)
  package static let version5EXWithIP = Self(rawValue: 0x8)
  package static let withClosestSite = Self(rawValue: 0x10)
}
