// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// A directory that source anchors are written back to, so that an object keeps its anchor when it is moved to another
/// forest or made again.
package protocol AnchorWriter: Sendable {
  /// The name of the source that the entries were read from.
  var source: String { get }

  /// Gives entries of a partition their anchor; one that has another value keeps it.
  ///
  /// - Returns: for each entry why it was refused, nil when it has its anchor now.
  /// - Throws: when the directory as a whole does not answer.
  func write(_ anchors: [AnchorWrite], in partition: String) async throws -> [String?]
}

/// An entry and the anchor that it is to carry in `mS-DS-ConsistencyGuid`.
package struct AnchorWrite: Sendable, Equatable {
  package var entry: Anchor
  package var anchor: [UInt8]
}
