// SPDX-License-Identifier: Apache-2.0

package import Wire

/// An account as its domain knows it.
package struct ForestAccount: Sendable, Hashable {
  /// NetBIOS name of its domain, for example `CORP`.
  package var domain: String
  /// Its sAMAccountName.
  package var name: String
  package var identifier: SecurityIdentifier

  package init(domain: String, name: String, identifier: SecurityIdentifier) {
    self.domain = domain
    self.name = name
    self.identifier = identifier
  }
}

/// The commands with which a domain's administrator gives a right; each to be run on a domain controller.
package struct GrantCommand: Sendable, Hashable, Encodable {
  /// For a Windows prompt.
  package var windows: String
  /// For the shell of a Samba domain controller.
  package var samba: String

  /// - Parameters:
  ///   - object: the distinguished name of the object, or of the unit whose users it is needed on.
  ///   - property: `schemaIDGUID` of the right's property.
  package init(_ right: ForestRight, on object: String, to account: ForestAccount, property: GUID? = nil) {
    let trustee = "\(account.domain)\\\(account.name)"
    let identifier = account.identifier
    switch right {
    case .replicatingDirectoryChanges, .replicatingDirectoryChangesAll:
      windows = Self.dsacls(object, "/G", "\(trustee):CA;\(right.name)")
      samba = Self.dsacl(object, "(OA;;CR;\(Self.text(right.control));;\(identifier))")
    case .resetPassword:
      windows = Self.dsacls(object, "/I:S /G", "\(trustee):CA;Reset Password;user")
      samba = Self.dsacl(object, "(OA;CIIO;CR;\(Self.text(right.control));\(ForestRight.userClass);\(identifier))")
    case .writeConsistencyGuid, .writePwdLastSet, .writeLockoutTime:
      windows = Self.dsacls(object, "/I:S /G", "\(trustee):WP;\(right.property ?? "");user")
      samba = Self.dsacl(object, "(OA;CIIO;WP;\(Self.text(property));\(ForestRight.userClass);\(identifier))")
    case .readForeignPrincipals:
      windows = Self.dsacls(object, "/I:T /G", "\(trustee):LCRP")
      samba = Self.dsacl(object, "(A;CI;LCRP;;;\(identifier))")
    case .readDeletedObjects:
      windows =
        "dsacls \"\(object)\" /takeOwnership\n" + Self.dsacls(object, "/G", "\(trustee):LCRP")
      samba = Self.script(object, identifier)
    }
  }

  private static func dsacls(_ object: String, _ options: String, _ entry: String) -> String {
    "dsacls \"\(object)\" \(options) \"\(entry)\""
  }

  private static func dsacl(_ object: String, _ entry: String) -> String {
    "samba-tool dsacl set --objectdn=\(quoted(object)) --sddl=\"\(entry)\""
  }

  private static func text(_ identifier: GUID?) -> String { identifier?.description ?? "" }

  /// As one word of a POSIX shell.
  static func quoted(_ text: String) -> String {
    let escaped = text.map { #""\$`"#.contains($0) ? "\\\($0)" : String($0) }.joined()
    return "\"\(escaped)\""
  }

  /// samba-tool does not find deleted containers: Samba's own library does.
  private static func script(_ object: String, _ identifier: SecurityIdentifier) -> String {
    """
    python3 - \(quoted(object)) \(identifier) <<'END'
    import sys
    from samba.auth import system_session
    from samba.param import LoadParm
    from samba.samdb import SamDB
    from samba.sd_utils import SDUtils
    lp = LoadParm()
    lp.load_default()
    utils, shown = SDUtils(SamDB(session_info=system_session(), lp=lp)), ["show_deleted:1"]
    sddl = utils.read_sd_on_dn(sys.argv[1], shown).as_sddl(utils.domain_sid)
    utils.modify_sd_on_dn(sys.argv[1], sddl.replace("(", "(A;;LCRP;;;%s)(" % sys.argv[2], 1), shown)
    END
    """
  }
}
