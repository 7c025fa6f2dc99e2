// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// One rule from a directory to the metaverse: for which entries it holds, how they come to their object, and what flows.
package struct SynchronisationRule: Sendable, Equatable {
  /// What an entry does for which no object is there yet.
  package enum Link: String, Sendable, CaseIterable {
    /// The entry joins an object, or makes one.
    case provision
    /// The entry joins an object and never makes one. Without conditions to join by the rule only lets attributes flow.
    case join
  }

  package var name: String
  package var summary: String?
  /// The lower number wins.
  package var precedence: Int
  /// The forest whose entries the rule is for; nil for all.
  package var forest: String?
  package var from: ObjectKind
  package var to: ObjectKind
  package var link: Link
  /// One of the groups has to hold; without any the rule holds for every entry of its kind.
  package var scope: [ScopeGroup] = []
  /// In order: the first group that finds an object decides.
  package var join: [JoinGroup] = []
  package var flows: [Flow] = []

  /// Whether an entry is synchronised when the rule holds for it; otherwise the rule only adds to others.
  var connects: Bool { link == .provision || !join.isEmpty }

  /// The kinds that rules may name.
  static let kinds: [ObjectKind] = [.user, .contact, .device, .group, .foreign]
}

/// Conditions all of which have to hold.
package struct ScopeGroup: Sendable, Equatable {
  package var conditions: [ScopeCondition]
}

/// Values of an entry and values of metaverse objects that have to be equal, all of them, without regard to case.
package struct JoinGroup: Sendable, Equatable {
  package struct Pair: Sendable, Equatable {
    package var source: String
    package var metaverse: String
  }
  package var pairs: [Pair]
}

/// What one attribute of the metaverse gets.
package struct Flow: Sendable, Equatable {
  /// Where the values come from.
  package enum Source: Sendable, Equatable {
    /// The values of an attribute, without blanks around them and without empty ones.
    case direct(String)
    case constant([String])
    case expression(Expression)
    /// The objects that an attribute refers to.
    case reference(String)
    /// An explicit null: the attribute is empty, whatever rules of lower precedence say.
    case clear
  }

  /// What becomes of the values of several rules.
  package enum Merge: String, Sendable, CaseIterable {
    /// The rule that wins gives all values.
    case update
    /// The values of all rules that merge, each once.
    case merge
    /// Likewise; values that differ by case only are one.
    case mergeCaseInsensitive
  }

  /// The attribute of the metaverse.
  package var to: String
  package var source: Source
  package var merge = Merge.update
  /// Only while the object has no value: a value that it once got stays, until another rule wins.
  package var once = false
}
