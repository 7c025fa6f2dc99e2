// SPDX-License-Identifier: Apache-2.0

import Wire

/// Cuts a stream of bytes into records, however the bytes arrive.
package struct RecordDecoder: Sendable {
  private var buffer: [UInt8] = []

  package init() {}

  /// Bytes that belong to a record that has not arrived whole.
  package var pending: Int { buffer.count }

  package mutating func feed(_ bytes: some Sequence<UInt8>) { buffer.append(contentsOf: bytes) }

  /// The next whole record; nil until more bytes arrive.
  ///
  /// - Throws: ``WCFError``.
  package mutating func next() throws(WCFError) -> FramingRecord? {
    guard !buffer.isEmpty else { return nil }
    var reader = ByteReader(buffer)
    do {
      let record = try FramingRecord(&reader)
      buffer.removeFirst(reader.position)
      return record
    } catch ByteError.truncated {
      // Every size was held against its limit, so that what is waited for is bounded; chunks are, too.
      guard buffer.count <= FramingLimits.envelope + FramingLimits.chunks * RecordSize.maximumOctets else {
        throw WCFError(.tooLarge, "The peer sends a record that does not end.")
      }
      return nil
    } catch let error as ByteError {
      throw WCFError(error, in: "record")
    } catch {
      throw error as? WCFError ?? WCFError(.malformed, "The peer sent a malformed record: \(error).")
    }
  }

  /// Takes what is left as it is: after an upgrade the bytes belong to another protocol.
  package mutating func takeRemaining() -> [UInt8] {
    defer { buffer = [] }
    return buffer
  }
}
