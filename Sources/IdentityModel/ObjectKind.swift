// SPDX-License-Identifier: Apache-2.0

/// What an entry is, as far as synchronisation tells objects apart. The raw values are those of the store.
package enum ObjectKind: String, Sendable, Codable, CaseIterable {
  case user
  case contact
  case device
  case group
  /// Stands in its forest for an object of another one (a foreign security principal): it joins that object, so that
  /// references to it are references to the object, and never makes one of its own.
  case foreign
  /// An organisational unit, a container or the domain itself: it gives other entries their place and is never exported.
  case structure

  /// Whether objects of this kind reach a target.
  package var isExported: Bool { self != .structure && self != .foreign }
}
