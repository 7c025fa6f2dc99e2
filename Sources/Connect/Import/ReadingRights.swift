// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// What a reading did not bring of an entry that had it when it was read last.
package struct Loss: Sendable, Equatable {
  package var anchor: Anchor
  /// Names of attributes, and of references, as they are kept.
  package var attributes: Set<String>

  package init(_ anchor: Anchor, _ attributes: Set<String>) {
    self.anchor = anchor
    self.attributes = attributes
  }
}

/// An entry that a complete enumeration did not bring.
package struct Absentee: Sendable, Equatable {
  package var anchor: Anchor
  /// The entry above it, when it was read last.
  package var parent: Anchor?

  package init(_ anchor: Anchor, parent: Anchor?) {
    self.anchor = anchor
    self.parent = parent
  }
}

/// What the account may see where a reading shows nothing. A directory answers a search without what the account may not
/// read, and says nothing of it (MS-ADTS 3.1.1.4.3): a right that was taken away looks like a value that was cleared, or like
/// an object that is gone.
///
/// Both calls ask the server that the reading came from, now, and both prefer to say that something is hidden: what is
/// kept by mistake is told and corrected by the next full reading; what is cleared by mistake is lost.
package protocol ReadingRights: Sendable {
  /// - Parameter watermark: where the reading before this one stopped: what has not changed since then lost nothing. Nil before
  ///   the first, and where something may have changed that readings were not shown.
  /// - Returns: by entry, those of the attributes that may be there all the same.
  func hidden(_ losses: [Loss], since watermark: Watermark?) async throws -> [Anchor: Set<String>]

  /// - Returns: those of the entries that may be there all the same.
  func unseen(_ absentees: [Absentee]) async throws -> Set<Anchor>
}
