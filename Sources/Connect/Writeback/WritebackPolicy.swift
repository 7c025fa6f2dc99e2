// SPDX-License-Identifier: Apache-2.0

package import PasswordWriteback
import Wire

/// Whether the password of an account may be changed from the cloud at all: what the directory itself would let the
/// service account do does not matter.
package struct WritebackPolicy: Sendable {
  /// Distinguished names of the only units whose users may be changed, and of those below that may not.
  let include: [[Substring]]
  let exclude: [[Substring]]

  package init(include: [String], exclude: [String]) {
    self.include = include.map { Self.components(of: $0) }
    self.exclude = exclude.map { Self.components(of: $0) }
  }

  /// - Returns: why not, with the detail for the audit log; nil when it may.
  package func refusal(of account: WritebackAccount) -> (reason: WritebackOutcome.Reason, detail: String)? {
    let path = Self.components(of: account.distinguishedName)
    guard include.contains(where: { Self.lies(path, below: $0) }),
      !exclude.contains(where: { Self.lies(path, below: $0) })
    else { return (.outsideUnits, "\(account.distinguishedName) lies in none of the units of writebackUnits") }
    guard account.classes.contains(where: { $0.lowercased() == "user" }),
      !account.classes.contains(where: { ["computer", "msds-groupmanagedserviceaccount"].contains($0.lowercased()) }),
      account.control & Self.normalAccount != 0, account.control & Self.trustAccounts == 0
    else { return (.protectedAccount, "it is no ordinary user's account") }
    guard account.adminCount == 0 else { return (.protectedAccount, "its adminCount is \(account.adminCount)") }
    guard !account.isCritical else { return (.protectedAccount, "it is a critical system object") }
    guard let sid = account.sid, let relative = sid.relativeIdentifier, !Self.builtInAccounts.contains(relative) else {
      return (.protectedAccount, "it is one of the domain's built-in accounts")
    }
    // Every user is in a group; where none can be read, a protected one could be among them.
    guard !account.groups.isEmpty else {
      return (.protectedAccount, "its groups (tokenGroups) cannot be read")
    }
    if let group = account.groups.first(where: Self.isProtected) {
      return (.protectedAccount, "it is a member of the protected group \(group)")
    }
    return nil
  }

  /// Members of Protected Users (MS-ADTS 6.1.1.6) get no NTLM, so that SAMR takes no old password of theirs: RFC 3244 does.
  package static func usesKerberosChange(_ account: WritebackAccount) -> Bool {
    account.groups.contains { isOfDomain($0) && $0.relativeIdentifier == 525 }
  }

  /// MS-ADTS 2.2.16: ADS_UF_NORMAL_ACCOUNT; interdomain, workstation and server trust accounts.
  private static let normalAccount: UInt32 = 0x200
  private static let trustAccounts: UInt32 = 0x800 | 0x1000 | 0x2000
  /// MS-DTYP 2.4.2.4: Administrator, Guest, krbtgt.
  private static let builtInAccounts: Set<UInt32> = [500, 501, 502]

  /// MS-ADTS 3.1.1.6.1.1: what AdminSDHolder protects; further groups that are as good as those: Cert Publishers, Group Policy
  /// Creator Owners, Key Admins, Enterprise Key Admins, Cloneable and read-only controllers.
  private static let protectedDomainGroups: Set<UInt32> = [498, 512, 516, 517, 518, 519, 520, 521, 522, 526, 527]
  private static let protectedBuiltInGroups: Set<UInt32> = [544, 548, 549, 550, 551, 552]

  private static func isProtected(_ group: SecurityIdentifier) -> Bool {
    guard let relative = group.relativeIdentifier else { return true }
    if isOfDomain(group) { return protectedDomainGroups.contains(relative) }
    return group.authority == 5 && group.subAuthorities.first == 32 && protectedBuiltInGroups.contains(relative)
  }

  private static func isOfDomain(_ group: SecurityIdentifier) -> Bool {
    group.authority == 5 && group.subAuthorities.count == 5 && group.subAuthorities.first == 21
  }

  private static func lies(_ path: [Substring], below unit: [Substring]) -> Bool {
    path.count > unit.count && path.suffix(unit.count).elementsEqual(unit)
  }

  /// The relative names of a distinguished name, folded (RFC 4514 2). A comma behind a backslash belongs to a value: a user
  /// may be called `x,OU=People`.
  static func components(of name: String) -> [Substring] {
    var parts: [Substring] = []
    let folded = name.lowercased()
    var start = folded.startIndex
    var index = start
    func trimmed(_ part: Substring) -> Substring {
      var part = part.drop { $0 == " " }
      while part.last == " ", part.dropLast().last != "\\" { part.removeLast() }
      return part
    }
    while index < folded.endIndex {
      switch folded[index] {
      case "\\":
        index = folded.index(after: index)
        guard index < folded.endIndex else { break }
      case ",":
        parts.append(trimmed(folded[start..<index]))
        start = folded.index(after: index)
      default: break
      }
      if index < folded.endIndex { index = folded.index(after: index) }
    }
    parts.append(trimmed(folded[start...]))
    return parts
  }
}
