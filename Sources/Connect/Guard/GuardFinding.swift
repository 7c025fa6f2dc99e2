// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// What stands before the export to one target.
package struct GuardFinding: Sendable, Codable, Equatable {
  /// Objects of one kind that would be deleted, more than the limit.
  package struct Deletions: Sendable, Codable, Equatable {
    package var kind: ObjectKind
    package var count: Int
    /// How many others a running service deleted a short while ago (``ConnectConfiguration/Guard/window``).
    package var recent: Int
    /// How many of them are still there on the premises: they left the scope.
    package var leavingScope: Int
    /// How many objects of the kind the target holds, and held before the recent deletions.
    package var total: Int
    package var limit: Int
  }

  /// Members that would be removed from a group, or from all groups together, while both ends stay.
  package struct Removals: Sendable, Codable, Equatable {
    /// Nil for all groups together.
    package var group: String?
    package var count: Int
    package var total: Int
    package var limit: Int
  }

  /// An attribute that everybody below a unit whose values change would lose.
  package struct Clearing: Sendable, Codable, Equatable {
    /// As the metaverse calls it.
    package var attribute: String
    /// Its distinguished name.
    package var unit: String
    package var count: Int
  }

  package var target: String
  package var deletions: [Deletions] = []
  package var removals: [Removals] = []
  package var clearings: [Clearing] = []
  /// Organisational units of the configuration, and groups that its rules keep to, that were deleted in the directory.
  package var lostUnits: [String] = []
  /// Names exactly these deletions and removals: an approval lets no others through. Empty when nothing stands here.
  package var fingerprint = ""

  init(target: String) { self.target = target }

  package var isClear: Bool { deletions.isEmpty && removals.isEmpty && clearings.isEmpty && !hasLostScope }

  /// What the scope was made of is gone: all deletions stand here, however few they are.
  var hasLostScope: Bool { !lostUnits.isEmpty }

  /// What is wrong, in sentences.
  package var message: String {
    var sentences: [String] = []
    if !lostUnits.isEmpty {
      sentences.append(
        "What the configuration names as its scope was deleted in the directory: \(lostUnits.joined(separator: "; "))."
      )
    }
    for excess in deletions {
      let here = excess.count - excess.leavingScope
      let causes = [
        (here, "deleted in the directory"), (excess.leavingScope, "still in the directory but out of scope"),
      ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
      sentences.append(
        "The export would delete \(excess.count) of \(excess.total) objects of type \(excess.kind.rawValue)"
          + (excess.recent > 0 ? ", after \(excess.recent) others a short while ago" : "")
          + " (limit \(excess.limit)): \(causes).")
    }
    for excess in removals {
      sentences.append(
        "The export would remove \(excess.count) of \(excess.total) members from "
          + (excess.group.map { "the group \($0)" } ?? "groups in total") + " (limit \(excess.limit)).")
    }
    for clearing in clearings {
      sentences.append(
        "All \(clearing.count) objects below \(clearing.unit) whose values change would lose \(clearing.attribute): "
          + "the service account may no longer read it there.")
    }
    return sentences.joined(separator: " ")
  }
}
