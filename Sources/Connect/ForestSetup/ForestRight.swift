// SPDX-License-Identifier: Apache-2.0

package import Wire

/// For what a forest's account is used; each use may have an account of its own.
package enum ForestRole: String, Sendable, Codable, CaseIterable {
  case importing = "import"
  case passwords
  case writeback

  /// The key of its credentials in the configuration.
  package var key: String {
    switch self {
    case .importing: "credentials"
    case .passwords: "passwordCredentials"
    case .writeback: "writebackCredentials"
    }
  }
}

/// A right in the access lists of Active Directory that a feature needs.
package enum ForestRight: String, Sendable, Codable, CaseIterable {
  case replicatingDirectoryChanges
  case replicatingDirectoryChangesAll
  /// List Contents and Read Property on `CN=Deleted Objects`.
  case readDeletedObjects
  /// The same on `CN=ForeignSecurityPrincipals` and below.
  case readForeignPrincipals
  case writeConsistencyGuid
  case resetPassword
  case writePwdLastSet
  case writeLockoutTime

  /// As Microsoft's tools name it.
  package var name: String {
    switch self {
    case .replicatingDirectoryChanges: "Replicating Directory Changes"
    case .replicatingDirectoryChangesAll: "Replicating Directory Changes All"
    case .readDeletedObjects: "List Contents and Read Property on deleted objects"
    case .readForeignPrincipals: "List Contents and Read Property on foreign security principals"
    case .writeConsistencyGuid: "Write mS-DS-ConsistencyGuid"
    case .resetPassword: "Reset Password"
    case .writePwdLastSet: "Write pwdLastSet"
    case .writeLockoutTime: "Write lockoutTime"
    }
  }

  /// What does not work without it.
  package var purpose: String {
    switch self {
    case .replicatingDirectoryChanges: "changes are read by DirSync"
    case .replicatingDirectoryChangesAll: "password hashes are read"
    case .readDeletedObjects: "deletions are seen as they happen, not only by full imports"
    case .readForeignPrincipals: "members from other forests are seen in groups"
    case .writeConsistencyGuid: "source anchors are kept in the directory"
    case .resetPassword: "passwords are reset from the cloud"
    case .writePwdLastSet: "a change at the next logon can be demanded"
    case .writeLockoutTime: "accounts are unlocked from the cloud"
    }
  }

  /// The property that it lets write, by its `lDAPDisplayName`.
  package var property: String? {
    switch self {
    case .writeConsistencyGuid: "mS-DS-ConsistencyGuid"
    case .writePwdLastSet: "pwdLastSet"
    case .writeLockoutTime: "lockoutTime"
    default: nil
    }
  }

  /// MS-ADTS 5.1.3.2.1: DS-Replication-Get-Changes, DS-Replication-Get-Changes-All, User-Force-Change-Password.
  package var control: GUID? {
    switch self {
    case .replicatingDirectoryChanges: GUID("1131f6aa-9c07-11d1-f79f-00c04fc2dcd2")
    case .replicatingDirectoryChangesAll: GUID("1131f6ad-9c07-11d1-f79f-00c04fc2dcd2")
    case .resetPassword: GUID("00299570-246d-11d0-a768-00aa006e0529")
    default: nil
    }
  }

  /// Whether it is needed on the users below a unit, not on one object.
  package var isOnUsers: Bool { property != nil || self == .resetPassword }

  /// The `schemaIDGUID` of the class user, bf967aba-0de6-11d0-a285-00aa003049e2 (MS-ADSC 2.263).
  package static let userClass = GUID(words: 0xba7a_96bf_e60d_d011, 0xa285_00aa_0030_49e2)
}
