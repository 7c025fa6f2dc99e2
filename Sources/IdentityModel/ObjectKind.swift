// SPDX-License-Identifier: Apache-2.0

/// What an entry is, as far as synchronisation tells objects apart. The raw values are those of the store.
package enum ObjectKind: String, Sendable, Codable, CaseIterable {
  case user
  case group
  /// An organisational unit, a container or the domain itself: it gives other entries their place and is never exported.
  case structure

  /// Whether objects of this kind reach a target.
  package var isExported: Bool { self != .structure }
}
