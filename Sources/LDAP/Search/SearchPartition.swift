// SPDX-License-Identifier: Apache-2.0

/// A part of a naming context that one connection reads while others read the rest.
package struct SearchPartition: Sendable, Hashable {
  package var base: String
  package var scope: SearchRequest.Scope
}

extension LDAPConnection {
  /// Cuts a tree into partitions that together hold each of its objects once: the root itself, and the tree below each
  /// of its children.
  ///
  /// What moves between partitions while they are read can be missed or come twice: take a DirSync cookie before and
  /// replay it afterwards.
  package func partitions(of base: String) async throws -> [SearchPartition] {
    var partitions = [SearchPartition(base: base, scope: .base)]
    for try await child in search(base: base, scope: .oneLevel, filter: .present("objectClass"), attributes: ["1.1"]) {
      partitions.append(SearchPartition(base: child.dn, scope: .subtree))
    }
    return partitions
  }
}
