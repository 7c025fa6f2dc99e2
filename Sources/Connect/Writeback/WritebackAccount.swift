// SPDX-License-Identifier: Apache-2.0

package import Wire

/// An account as the directory shows it at the moment of a request.
package struct WritebackAccount: Sendable {
  package var identifier: GUID
  package var distinguishedName: String
  package var samAccountName: String
  package var displayName: String?
  package var sid: SecurityIdentifier?
  package var classes: [String]
  /// `userAccountControl` (MS-ADTS 2.2.16).
  package var control: UInt32
  package var isCritical: Bool
  package var adminCount: Int64
  /// `tokenGroups`: all groups, also through others; empty when they may not be read.
  package var groups: [SecurityIdentifier]
  package var password: PasswordState
  package var rules: PasswordRules

  package init(
    identifier: GUID, distinguishedName: String, samAccountName: String, displayName: String? = nil,
    sid: SecurityIdentifier?, classes: [String], control: UInt32, isCritical: Bool = false, adminCount: Int64 = 0,
    groups: [SecurityIdentifier], password: PasswordState = PasswordState(), rules: PasswordRules = PasswordRules()
  ) {
    self.identifier = identifier
    self.distinguishedName = distinguishedName
    self.samAccountName = samAccountName
    self.displayName = displayName
    self.sid = sid
    self.classes = classes
    self.control = control
    self.isCritical = isCritical
    self.adminCount = adminCount
    self.groups = groups
    self.password = password
    self.rules = rules
  }
}

/// By what a password's change can be told.
package struct PasswordState: Sendable, Hashable {
  /// `dwVersion` of unicodePwd: msDS-KeyVersionNumber (MS-ADTS 3.1.1.4.5.16).
  package var version: UInt32?
  package var lastSet: FileTime?
  package var isLocked: Bool

  package init(version: UInt32? = nil, lastSet: FileTime? = nil, isLocked: Bool = false) {
    self.version = version
    self.lastSet = lastSet
    self.isLocked = isLocked
  }
}
