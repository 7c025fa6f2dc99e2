// SPDX-License-Identifier: Apache-2.0

/// An object as its source holds it: one row of the connector space.
package struct Entry: Sendable, Equatable {
  package var anchor: Anchor
  package var kind: ObjectKind
  /// In the source's own notation; for Active Directory the distinguished name.
  package var name: String
  package var parent: Anchor?
  package var attributes: Attributes

  package init(anchor: Anchor, kind: ObjectKind, name: String, parent: Anchor?, attributes: Attributes) {
    self.anchor = anchor
    self.kind = kind
    self.name = name
    self.parent = parent
    self.attributes = attributes
  }
}
