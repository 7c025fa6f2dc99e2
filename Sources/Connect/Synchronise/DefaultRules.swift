// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Wire

/// The rules that hold unless an administrator writes others: what Entra Connect synchronises for users and groups.
enum DefaultRules {
  /// In order of precedence.
  static let all: [FlowRule] = users + groups

  static let users: [FlowRule] = [
    FlowRule(
      .user, "userPrincipalName",
      from: ["userPrincipalName", "sAMAccountName"] + Nickname.sources,
      "userPrincipalName where its suffix is verified, otherwise <nickname>@<initial domain>"
    ) { input in
      if let name = input.text("userprincipalname"), input.tenant.verifies(name) { return [name] }
      return Nickname.of(input).map { ["\($0)@\(input.tenant.initial)"] } ?? []
    },
    FlowRule(
      .user, "accountEnabled", from: ["userAccountControl", "accountExpires"],
      "false when userAccountControl has ACCOUNTDISABLE or accountExpires has passed"
    ) { input in
      [AccountState.isDisabled(input.attributes) || AccountState.isExpired(input) ? "false" : "true"]
    },
    .direct(.user, "displayName", from: "displayName"),
    .direct(.user, "displayName", from: "cn"),
    .direct(.user, "displayName", from: "sAMAccountName"),
    .direct(.user, "givenName", from: "givenName"),
    .direct(.user, "surname", from: "sn"),
    .direct(.user, "mail", from: "mail"),
    FlowRule(.user, "mail", from: ["proxyAddresses"], "the primary SMTP address", values: { Address.primary($0) }),
    FlowRule(
      .user, "proxyAddresses", from: ["proxyAddresses", "mail"], "the SMTP addresses, mail as primary where none is",
      values: { Address.all($0) }),
    .direct(.user, "jobTitle", from: "title"),
    .direct(.user, "department", from: "department"),
    .direct(.user, "companyName", from: "company"),
    .direct(.user, "telephoneNumber", from: "telephoneNumber"),
    .direct(.user, "mobile", from: "mobile"),
    .direct(.user, "streetAddress", from: "streetAddress"),
    .direct(.user, "city", from: "l"),
    .direct(.user, "state", from: "st"),
    .direct(.user, "postalCode", from: "postalCode"),
    .direct(.user, "country", from: "c"),
    .direct(.user, "employeeId", from: "employeeID"),
    .direct(.user, "preferredLanguage", from: "preferredLanguage"),
  ]

  static let groups: [FlowRule] = [
    .direct(.group, "displayName", from: "displayName"),
    .direct(.group, "displayName", from: "cn"),
    .direct(.group, "displayName", from: "sAMAccountName"),
    .direct(.group, "description", from: "description"),
    .direct(.group, "mail", from: "mail"),
    FlowRule(.group, "mail", from: ["proxyAddresses"], "the primary SMTP address", values: { Address.primary($0) }),
    FlowRule(
      .group, "proxyAddresses", from: ["proxyAddresses", "mail"], "the SMTP addresses, mail as primary where none is",
      values: { Address.all($0) }),
  ]

  /// References that flow, by their name in the directory and in the metaverse.
  static let links: [ObjectKind: [String: String]] = [.user: ["manager": "manager"], .group: ["member": "members"]]

  /// What scope and anchors look at.
  static let structural = ["objectClass", "isCriticalSystemObject", "sAMAccountName", SourceAnchor.attribute]

  /// Everything that is requested from a directory: no more is ever read.
  static let requestedAttributes: [String] =
    Set(all.flatMap(\.sources) + structural + ["groupType"]).sorted() + ["manager", "member"]

  /// Bumped when the rules change, so that every entry is synchronised again.
  static let version = 1

  /// The attributes that an entry gives its metaverse object.
  static func flow(_ input: RuleInput) -> Attributes {
    var result = Attributes()
    for rule in input.kind == .user ? users : groups where result[rule.attribute].isEmpty {
      result.set(rule.attribute, texts: rule.values(input))
    }
    return result
  }

  /// The rule that gives an attribute its value.
  static func rule(for attribute: String, _ input: RuleInput) -> FlowRule? {
    (input.kind == .user ? users : groups).first { $0.attribute == attribute && !$0.values(input).isEmpty }
  }

  /// Why an entry stays out whatever its place; nil when it does not.
  static func exclusion(of attributes: Attributes, kind: ObjectKind) -> String? {
    if attributes.text("iscriticalsystemobject") == "TRUE" { return "it is a critical system object" }
    guard let name = attributes.text("samaccountname"), !name.isEmpty else { return "it has no sAMAccountName" }
    if kind == .user, name.hasPrefix("MSOL_") || name.hasPrefix("AAD_") {
      return "it is a service account of another synchronisation tool"
    }
    // MS-ADTS 2.2.12 groupType: GROUP_TYPE_BUILTIN_LOCAL_GROUP.
    if kind == .group, let type = attributes.text("grouptype").flatMap({ Int32($0) }), type & 1 != 0 {
      return "it is a built-in group"
    }
    return nil
  }
}
