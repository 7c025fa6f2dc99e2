// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// What the rules say of one entry.
package struct Evaluation: Sendable, Equatable {
  /// A value that a rule offers.
  package struct Contribution: Sendable, Equatable {
    package var attribute: String
    /// Empty for an explicit null.
    package var values: [[UInt8]]
    package var rule: String
    package var precedence: Int
    package var merge: Flow.Merge
    package var once: Bool
  }

  /// Metaverse attributes and the values one of which each of them has to have.
  package struct JoinCandidate: Sendable, Equatable {
    package var rule: String
    package var conditions: [Condition]

    package struct Condition: Sendable, Equatable {
      package var attribute: String
      package var source: String
      package var values: [[UInt8]]
    }
  }

  /// What a flow says is wrong with the entry.
  package struct Failure: Sendable, Equatable {
    package var rule: String
    package var attribute: String
    /// In the words of whoever wrote the rule.
    package var text: String
  }

  /// A rule that does not hold, and why.
  package struct Rejection: Sendable, Equatable {
    package var rule: String
    package var reason: String
  }

  /// Whether the entry makes an object or only joins one; nil when it is not synchronised.
  package var link: SynchronisationRule.Link?
  /// What the object is in the metaverse.
  package var kind: ObjectKind?
  /// Why the entry is not synchronised; nil when it is.
  package var exclusion: String?
  /// The rules that hold, by precedence.
  package var applied: [String] = []
  /// Only when asked for.
  package var rejected: [Rejection] = []
  /// To be tried in order.
  package var joins: [JoinCandidate] = []
  /// By precedence.
  package var contributions: [Contribution] = []
  /// Attributes that stay as they are where no rule has a value, with the rule that says so (`IgnoreThisFlow`).
  package var kept: [String: String] = [:]
  /// What a flow stopped the object with (`Error`).
  package var failure: Failure?
  /// When the entry has to be looked at again although nothing changes in the directory; seconds since 1970.
  package var nextChange: Double?
  /// Whether rules asked for the tenant's domains: for another tenant the values may be others.
  package var usesTenant = false
  /// The nickname, where rules asked for it.
  package var nickname: String?
}

/// What the entries of one object give it together.
package struct MergedAttributes: Sendable, Equatable {
  package var attributes = Attributes()
  /// The rules that each attribute has its values from; those that cleared it included.
  package var provenance: [String: [String]] = [:]
  /// Seconds since 1970.
  package var nextChange: Double?
}
