// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// A directory that entries are read from.
package protocol ImportSource: Sendable {
  /// The source's name in the store, in logs and in `connect status`.
  var name: String { get }

  /// Changes with what is asked for: an earlier reading is then not enough, and everything is read again.
  var fingerprint: String { get }

  /// What is read separately, each with its own watermark; for Active Directory the naming contexts of the domains.
  func partitions() async throws -> [String]

  /// Begins to read a partition from where `watermark` stopped, or from the start when there is none or when the server
  /// cannot go on from there (another database, a restored server, a refused cookie).
  func read(_ partition: String, since watermark: Watermark?) async throws -> ImportReading

  /// Looks in a partition for references to entries of another one, which came back there: they return with what they
  /// name, and no change tells it.
  ///
  /// - Returns: changes that tell nothing but ``Change/referrers``.
  func referrers(to anchors: [Anchor], in partition: String) async throws -> [Change]
}

extension ImportSource {
  package var fingerprint: String { "" }
}

/// One reading of a partition.
package struct ImportReading: Sendable {
  package enum Mode: String, Sendable, Codable {
    /// Every entry.
    case full
    /// What changed since the watermark.
    case delta
  }
  package var mode: Mode
  /// Why a full reading was made, or what a reading by other means than the best one loses; nil when there is nothing to
  /// say.
  package var note: String?
  /// How many entries there will be, when the source can tell.
  package var expected: Int?
  /// Names of attributes, as they are kept, that the reading asked for; nil when the source does not say. One that many
  /// entries had and none has any more was lost, not cleared.
  package var requested: Set<String>?
  /// Whether the reading shows only what the account may see. Single entries that are read again always do.
  package var isFiltered: Bool
  /// Reads single entries again, completely and from the server that is being read, with who refers to them in their
  /// partition: those of which a change told too little. One that was deleted meanwhile is told as that; one of which that
  /// server knows nothing ends the reading.
  package var reread: @Sendable ([Anchor]) async throws -> [Change]
  /// What the account may see; nil for a source that tells everything in any case.
  package var rights: (any ReadingRights)?
  /// Pulled batch by batch, so that the consumer's pace reaches the server. A stream that throws
  /// ``ImportInterruption`` may be begun anew; nothing of it was lost.
  package var batches: AsyncThrowingStream<Batch, any Error>

  package init(
    mode: Mode, note: String? = nil, expected: Int? = nil, requested: Set<String>? = nil,
    isFiltered: Bool = false, rights: (any ReadingRights)? = nil,
    reread: @escaping @Sendable ([Anchor]) async throws -> [Change], batches: AsyncThrowingStream<Batch, any Error>
  ) {
    self.mode = mode
    self.note = note
    self.expected = expected
    self.requested = requested
    self.isFiltered = isFiltered
    self.rights = rights
    self.reread = reread
    self.batches = batches
  }
}

/// The server that was being read is gone; another attempt may find another one.
package struct ImportInterruption: Error, Sendable, CustomStringConvertible {
  package var reason: String
  package init(reason: String) { self.reason = reason }
  package var description: String { reason }
}
