// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// What every space holds of one object, and why: what `connect show` prints.
package struct ObjectView: Sendable, Codable, Equatable {
  package struct Value: Sendable, Codable, Equatable {
    package var name: String
    /// Text, or `0x…` where the bytes are none.
    package var values: [String]
    /// In the metaverse: the rule that gave the values.
    package var rule: String?
  }

  /// The connector space: the object as its directory holds it.
  package struct Entry: Sendable, Codable, Equatable {
    package var source: String
    package var name: String
    package var guid: String
    package var kind: ObjectKind
    package var isDeleted: Bool
    /// Whether it waits to be synchronised.
    package var isDirty: Bool
    /// Why it is not in the metaverse; nil when it is in scope.
    package var excluded: String?
    /// When it is looked at again without a change, in seconds since 1970.
    package var dueAt: Int64?
    package var attributes: [Value]
    /// The number of references that it holds, by attribute.
    package var references: [String: Int]
    /// Those of them that point outside what is imported, a hundred at most.
    package var outside: [OutsideReference]
  }

  package struct Metaverse: Sendable, Codable, Equatable {
    package var sourceAnchor: String
    package var kind: ObjectKind
    package var isGone: Bool
    package var attributes: [Value]
    /// What some targets get instead.
    package var forms: [Form]?
  }

  /// What a target gets instead of what the metaverse holds: names under its own domains, for example.
  package struct Form: Sendable, Codable, Equatable {
    package var target: String
    /// Those that differ; without values where it gets none.
    package var attributes: [Value]
  }

  package struct Remote: Sendable, Codable, Equatable {
    package var target: String
    package var id: String
    package var version: String?
    package var attributes: [Value]
    /// The number of references that the target confirmed, by attribute.
    package var references: [String: Int]
  }

  package struct Quarantine: Sendable, Codable, Equatable {
    /// Nil when it concerns every target.
    package var target: String?
    package var reason: String
    package var detail: String
    /// The sign-in name or display name of the object that is in the way.
    package var other: String?
    package var attempts: Int
    package var nextTry: Double?
  }

  /// Those that make the object, in order of precedence of their sources; one that is out of scope stands alone.
  package var entries: [Entry]
  package var metaverse: Metaverse?
  /// What each target confirmed.
  package var remotes: [Remote]
  /// What an export would do, one a target.
  package var pending: [ObjectDifference]
  package var quarantine: [Quarantine]
  /// The targets that got another sign-in name than the directory's.
  package var replacedNames: [ReplacedName] = []
}
