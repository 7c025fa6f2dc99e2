// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Wire

/// Which entries of different forests are the same object.
///
/// | named in `joinUsersBy` | joins users whose |
/// |---|---|
/// | `mail` or any other attribute | values of it are equal, without regard to case |
/// | `objectSid` | `msExchMasterAccountSid` in the one forest is the `objectSid` in the other: account and resource forests |
///
/// A foreign security principal always joins the object that has its `objectSid`. With one forest there is nothing to
/// join and no key is kept.
struct JoinRules: Sendable {
  /// An attribute of the entry that looks for its object, and the attribute of those that are found.
  struct Condition: Sendable, Equatable {
    var own: String
    var others: String
  }

  static let sid = "objectsid"
  static let masterAccount = "msexchmasteraccountsid"
  /// In order: the first that finds anything decides.
  let users: [Condition]
  /// The attributes of which keys are kept; empty when nothing is ever joined.
  let attributes: [String]
  /// What is requested from the directories for it, as the schema spells it.
  let requestedAttributes: [String]

  init(_ configuration: ConnectConfiguration) {
    guard configuration.forests.count > 1 else {
      (users, attributes, requestedAttributes) = ([], [], [])
      return
    }
    users = configuration.joinUsersBy.map { $0.lowercased() }.flatMap { name in
      name == Self.sid
        ? [Condition(own: Self.masterAccount, others: Self.sid), Condition(own: Self.sid, others: Self.masterAccount)]
        : [Condition(own: name, others: name)]
    }
    attributes = Set(users.map(\.own) + [Self.sid]).sorted()
    let joinsAccounts = users.contains { $0.own == Self.masterAccount }
    requestedAttributes =
      configuration.joinUsersBy.filter { $0.lowercased() != Self.sid } + ["objectSid"]
      + (joinsAccounts ? ["msExchMasterAccountSid"] : [])
  }

  var isEmpty: Bool { attributes.isEmpty }

  func conditions(for kind: ObjectKind) -> [Condition] {
    switch kind {
    case .user: users
    case .foreign: [Condition(own: Self.sid, others: Self.sid)]
    default: []
    }
  }

  /// Whether an entry never makes an object of its own but waits for the one that it belongs to: a foreign security
  /// principal, or the mailbox of an account in another forest.
  func onlyJoins(_ kind: ObjectKind, _ attributes: Attributes) -> Bool {
    if kind == .foreign { return true }
    return kind == .user && users.contains { $0.own == Self.masterAccount } && AccountState.isDisabled(attributes)
      && !keys(Self.masterAccount, of: attributes).isEmpty
  }

  func keys(of attributes: Attributes, kind: ObjectKind) -> Set<JoinKey> {
    let names = kind == .user ? self.attributes : [Self.sid]
    return Set(names.flatMap { name in keys(name, of: attributes) })
  }

  func keys(_ name: String, of attributes: Attributes) -> [JoinKey] {
    attributes[name].filter { !$0.isEmpty && !(name == Self.masterAccount && $0 == Self.selfSID) }
      .map { JoinKey(attribute: name, value: $0) }
  }

  /// S-1-5-10, SELF (MS-DTYP 2.4.2.4): the master account of a mailbox that belongs to no account, say a shared one.
  private static let selfSID: [UInt8] = [1, 1, 0, 0, 0, 0, 0, 5, 10, 0, 0, 0]
}

/// A value by which an entry may be joined.
struct JoinKey: Hashable, Sendable {
  var attribute: String
  /// In lower case; hexadecimal where the value is no text.
  var folded: String

  init(attribute: String, value: [UInt8]) {
    self.attribute = attribute
    let isIdentifier = attribute == JoinRules.sid || attribute == JoinRules.masterAccount
    folded =
      isIdentifier
      ? Hex.encode(value) : String(validating: value, as: UTF8.self)?.lowercased() ?? Hex.encode(value)
  }

  init(attribute: String, folded: String) {
    self.attribute = attribute
    self.folded = folded
  }
}
