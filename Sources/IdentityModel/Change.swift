// SPDX-License-Identifier: Apache-2.0

/// What a source says about one entry.
package struct Change: Sendable, Equatable {
  package var anchor: Anchor
  /// Nil when the source did not repeat it; a source always tells it, and everything else, of an entry that is new.
  package var kind: ObjectKind?
  /// The entry's name in the source's own notation; nil when unchanged.
  package var name: String?
  /// The entry above it; nil when the source did not repeat it.
  package var parent: Anchor?
  package var isDeleted: Bool
  /// Whether ``attributes`` are all that the entry has. Otherwise they are those that changed, and one without values
  /// was cleared.
  package var isComplete: Bool
  package var attributes: Attributes
  package var links: [LinkChange]
  /// Whether it came back after a deletion, be that one told or not: what it had and who referred to it is not told again.
  package var isRestored = false
  /// Who refers to it, where a source looked for that: ``LinkChange/targets`` are the owners of the references.
  package var referrers: [LinkChange] = []

  package init(
    anchor: Anchor, kind: ObjectKind? = nil, name: String? = nil, parent: Anchor? = nil, isDeleted: Bool = false,
    isComplete: Bool = false, attributes: Attributes = Attributes(), links: [LinkChange] = []
  ) {
    self.anchor = anchor
    self.kind = kind
    self.name = name
    self.parent = parent
    self.isDeleted = isDeleted
    self.isComplete = isComplete
    self.attributes = attributes
    self.links = links
  }
}

/// A change to the references that an entry holds in one attribute.
package struct LinkChange: Sendable, Equatable {
  package enum Operation: Sendable { case add, remove, replace }
  package var attribute: String
  package var operation: Operation
  package var targets: [Anchor]

  package init(_ attribute: String, _ operation: Operation, _ targets: [Anchor]) {
    self.attribute = attribute
    self.operation = operation
    self.targets = targets
  }
}
