// SPDX-License-Identifier: Apache-2.0

import IdentityModel

/// What synchronising needs to know of a target.
struct TargetProfile: Sendable {
  let name: String
  let vocabulary: [ObjectKind: Set<String>]

  var fingerprint: String {
    name
      + vocabulary.map { "\($0.key.rawValue):\($0.value.sorted().joined(separator: ","))" }.sorted()
      .joined(separator: ";")
  }

  /// Whether the target has a place for objects of a kind.
  func holds(_ kind: ObjectKind) -> Bool { vocabulary[kind] != nil }

  /// The kinds that the target has a place for.
  var kinds: [ObjectKind] { ObjectKind.allCases.filter { $0.isExported && holds($0) } }

  /// Those that refer to no members.
  var individuals: [ObjectKind] { kinds.filter { $0 != .group } }

  func accepts(_ attribute: String, of kind: ObjectKind) -> Bool { vocabulary[kind]?.contains(attribute) ?? false }

  /// What of `desired` the target has a place for.
  func representable(_ desired: Attributes, kind: ObjectKind) -> Attributes {
    let accepted = vocabulary[kind] ?? []
    return desired.filter(accepted.contains)
  }

  /// The attributes in which the target has to be changed; those without values are to be removed.
  func difference(from baseline: Attributes, to desired: Attributes, kind: ObjectKind) -> Attributes {
    var difference = Attributes()
    for name in vocabulary[kind] ?? [] where !desired.sameValues(as: baseline, for: name) {
      difference[name] = desired[name]
    }
    return difference
  }
}
