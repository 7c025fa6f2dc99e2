// SPDX-License-Identifier: Apache-2.0

/// A stretch of a source's answer. The last one says how far the source has been read.
package struct Batch: Sendable {
  package var changes: [Change]
  /// Set on the last batch, and only when everything before it was delivered.
  package var end: End?

  package struct End: Sendable {
    /// Where to go on from next time.
    package var watermark: Watermark
    /// Whether every entry of the partition was enumerated, so that absence means deletion.
    package var isComplete: Bool
    /// Whether the watermark says nothing that the one before did not say.
    package var isUnchanged: Bool
    /// Bytes that the source sent.
    package var bytes: Int

    package init(watermark: Watermark, isComplete: Bool, isUnchanged: Bool = false, bytes: Int = 0) {
      self.watermark = watermark
      self.isComplete = isComplete
      self.isUnchanged = isUnchanged
      self.bytes = bytes
    }
  }

  package init(_ changes: [Change], end: End? = nil) {
    self.changes = changes
    self.end = end
  }
}

/// How far a partition has been read, in the words of the server that was read.
package struct Watermark: Sendable, Equatable {
  /// What the source wants back to go on: a DirSync cookie; empty when it goes on by update sequence number.
  package var cookie: [UInt8]
  /// The host name of the server, for people.
  package var server: String
  /// The identity of the server's database (MS-ADTS `invocationId`): numbers of another one mean nothing here.
  package var invocation: [UInt8]
  /// The server's `highestCommittedUSN` when the reading began.
  package var sequence: Int64
  /// Seconds since it was kept; nil for one that was just made.
  package var age: Double?

  package init(cookie: [UInt8], server: String, invocation: [UInt8], sequence: Int64, age: Double? = nil) {
    self.cookie = cookie
    self.server = server
    self.invocation = invocation
    self.sequence = sequence
    self.age = age
  }
}
