// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import SynchronisationRules
import Wire

/// Which entries of different forests are the same object.
///
/// The conditions to join by of the rules that hold for an entry come first, in the order of the rules; then those that
/// `joinUsersBy` stands for:
///
/// | named in `joinUsersBy` | joins users whose |
/// |---|---|
/// | `mail` or any other attribute | values of it are equal, without regard to case |
/// | `objectSid` | `msExchMasterAccountSid` in the one forest is the `objectSid` in the other: account and resource forests |
///
/// A foreign security principal always joins the object that has its `objectSid`; a contact joins the user whom
/// `joinUsersBy` finds for it, and then stands for that user in groups. With one forest there is nothing to join and no
/// key is kept.
struct JoinRules: Sendable {
  /// An attribute of the entry that looks for its object, and the attribute of those that are found.
  struct Condition: Sendable, Equatable {
    var own: String
    var others: String
  }

  static let sid = "objectsid"
  static let masterAccount = "msexchmasteraccountsid"
  /// What `joinUsersBy` stands for, in order.
  let users: [Condition]
  /// What is requested from the directories for it, as the schema spells it.
  let requestedAttributes: [String]
  /// The names of all keys of entries.
  let attributes: [String]
  /// The attributes of entries of which keys are kept.
  private let own: [ObjectKind: [String]]
  /// The attributes of the metaverse of which keys are kept, by what the objects are there.
  private let metaverse: [ObjectKind: [String]]

  init(_ configuration: ConnectConfiguration) {
    guard configuration.forests.count > 1 else {
      (users, requestedAttributes, own, metaverse, attributes) = ([], [], [:], [:], [])
      return
    }
    users = configuration.joinUsersBy.map { $0.lowercased() }.flatMap { name in
      name == Self.sid
        ? [Condition(own: Self.masterAccount, others: Self.sid), Condition(own: Self.sid, others: Self.masterAccount)]
        : [Condition(own: name, others: name)]
    }
    let joinsAccounts = users.contains { $0.own == Self.masterAccount }
    requestedAttributes =
      configuration.joinUsersBy.filter { $0.lowercased() != Self.sid } + ["objectSid"]
      + (joinsAccounts ? ["msExchMasterAccountSid"] : [])
    var own = [ObjectKind.user: Set(users.map(\.own)), .contact: Set(users.filter { $0.own == $0.others }.map(\.own))]
    var metaverse: [ObjectKind: Set<String>] = [:]
    for rule in configuration.rules.rules {
      for pair in rule.join.flatMap(\.pairs) {
        own[rule.from, default: []].insert(pair.source.lowercased())
        metaverse[rule.to, default: []].insert(pair.metaverse)
      }
    }
    for kind in ObjectKind.allCases { own[kind, default: []].insert(Self.sid) }
    self.own = own.mapValues { $0.sorted() }
    attributes = Set(own.values.joined()).sorted()
    self.metaverse = metaverse.mapValues { $0.sorted() }
  }

  var isEmpty: Bool { own.isEmpty }

  /// Whether objects are found by their attributes in the metaverse.
  var looksAtObjects: Bool { !metaverse.isEmpty }

  /// Whether an entry never makes an object of its own but waits for the one that it belongs to: a foreign security
  /// principal, or the mailbox of an account in another forest.
  func onlyJoins(_ kind: ObjectKind, _ attributes: Attributes) -> Bool {
    if kind == .foreign { return true }
    guard kind == .user else { return false }
    return AccountState.isLinkedMailbox(attributes)
      || users.contains { $0.own == Self.masterAccount } && AccountState.isDisabled(attributes)
        && !keys(Self.masterAccount, of: attributes).isEmpty
  }

  // MARK: Keys

  func keys(of attributes: Attributes, kind: ObjectKind) -> Set<JoinKey> {
    Set((own[kind] ?? []).flatMap { name in keys(name, of: attributes) })
  }

  private func keys(_ name: String, of attributes: Attributes) -> [JoinKey] {
    attributes[name].filter { !$0.isEmpty && !(name == Self.masterAccount && $0 == Self.selfSID) }
      .map { JoinKey(attribute: name, value: $0) }
  }

  /// The keys of an object of the metaverse.
  func keys(ofObject attributes: Attributes, kind: ObjectKind) -> Set<JoinKey> {
    Set(
      (metaverse[kind] ?? []).flatMap { name in
        attributes[name].filter { !$0.isEmpty }.map { JoinKey(attribute: JoinKey.metaverse + name, value: $0) }
      })
  }

  /// S-1-5-10, SELF (MS-DTYP 2.4.2.4): the master account of a mailbox that belongs to no account, say a shared one.
  private static let selfSID: [UInt8] = [1, 1, 0, 0, 0, 0, 0, 5, 10, 0, 0, 0]

  // MARK: Questions

  /// One way to an object: all conditions have to hold, each by one of its keys.
  struct Question: Sendable, Equatable {
    struct Part: Sendable, Equatable {
      /// As a person would say it, for example `employeeID = employeeId`.
      var condition: String
      var keys: [JoinKey]
    }
    /// The rule that asks, or `joinUsersBy`.
    var rule: String
    /// What the object has to be; nil for anything.
    var kind: ObjectKind?
    var parts: [Part]
  }

  /// What is asked for an entry, in order; the first that finds anything decides.
  func questions(_ kind: ObjectKind, _ attributes: Attributes, _ evaluation: Evaluation) -> [Question] {
    if isEmpty { return [] }
    if kind == .foreign {
      return [question(Condition(own: Self.sid, others: Self.sid), of: nil, "foreign security principals", attributes)]
    }
    let named = evaluation.joins.map { candidate in
      Question(
        rule: candidate.rule, kind: evaluation.kind ?? kind,
        parts: candidate.conditions.map { condition in
          Question.Part(
            condition: "\(condition.source) = \(condition.attribute)",
            keys: condition.values.map { JoinKey(attribute: JoinKey.metaverse + condition.attribute, value: $0) })
        })
    }
    switch kind {
    case .user: return named + users.map { question($0, of: .user, "joinUsersBy", attributes) }
    case .contact:
      return named
        + users.filter { $0.own == $0.others }.map { question($0, of: .user, "joinUsersBy", attributes) }
    default: return named
    }
  }

  private func question(
    _ condition: Condition, of kind: ObjectKind?, _ rule: String, _ attributes: Attributes
  ) -> Question {
    Question(
      rule: rule, kind: kind,
      parts: [
        .init(
          condition: "\(condition.own) = \(condition.others) of another forest",
          keys: keys(condition.own, of: attributes).map { JoinKey(attribute: condition.others, folded: $0.folded) })
      ])
  }
}

/// A value by which an entry, or an object of the metaverse, is found.
struct JoinKey: Hashable, Sendable {
  /// Before the names of attributes of the metaverse.
  static let metaverse = "mv:"

  var attribute: String
  /// In lower case; hexadecimal where the value is no text.
  var folded: String

  init(attribute: String, value: [UInt8]) {
    self.attribute = attribute
    let isIdentifier = attribute == JoinRules.sid || attribute == JoinRules.masterAccount
    folded =
      isIdentifier
      ? Hex.encode(value)
      : String(validating: value, as: UTF8.self).map { Self.trimmed($0.lowercased()) } ?? Hex.encode(value)
  }

  init(attribute: String, folded: String) {
    self.attribute = attribute
    self.folded = folded
  }

  private static func trimmed(_ text: String) -> String {
    guard let first = text.firstIndex(where: { $0 != " " }), let last = text.lastIndex(where: { $0 != " " }) else {
      return ""
    }
    return String(text[first...last])
  }
}
