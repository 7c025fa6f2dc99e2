// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A SearchResultEntry (RFC 4511 4.5.2) as it arrived, for readers of many entries: they take from its bytes what they
/// keep, and nothing else is made of it.
package struct UnparsedEntry: Sendable, Hashable {
  /// The message that the entry came in.
  package let bytes: [UInt8]
  /// Where name and attributes stand in ``bytes``.
  private let content: Range<Int>

  private static let tag: UInt8 = 0x64

  /// The message's identifier is always read; the entry is nil when the message is something else. What stands behind
  /// the entry is not looked at.
  static func peek(_ message: [UInt8]) throws(ByteError) -> (id: Int32, entry: UnparsedEntry?) {
    var reader = BERReader(message)
    var content = try reader.enter()
    let id = try content.readCount()
    guard content.nextTag == tag else { return (id, nil) }
    return (id, UnparsedEntry(bytes: message, content: try content.readContent(tag)))
  }

  private init(bytes: [UInt8], content: Range<Int>) {
    self.bytes = bytes
    self.content = content
  }

  /// The form in which a parsed entry travels.
  package init(_ entry: SearchEntry) {
    var writer = BERWriter()
    entry.encode(into: &writer)
    self.init(bytes: writer.bytes, content: 0..<writer.bytes.count)
  }

  package func parsed(limits: LDAPLimits = .standard) throws(ByteError) -> SearchEntry {
    var reader = BERReader(bytes, content)
    return try SearchEntry(&reader, limits: limits)
  }

  func encode(into writer: inout BERWriter) { writer.constructed(Self.tag) { $0.raw(bytes[content]) } }

  /// Where the entry's name stands in ``bytes``, and its attributes.
  package func read() throws(ByteError) -> (name: Range<Int>, attributes: UnparsedAttributes) {
    var reader = BERReader(bytes, content)
    let name = try reader.readContent(BERTag.octetString)
    return (name, UnparsedAttributes(list: try reader.enter()))
  }
}

/// The attributes of an ``UnparsedEntry``, one after the other.
package struct UnparsedAttributes {
  fileprivate var list: BERReader

  /// Where the next attribute's description stands in the entry's bytes, and a reader of its values
  /// (``BERReader/readContent(_:)``); nil at the end.
  package mutating func next() throws(ByteError) -> (description: Range<Int>, values: BERReader)? {
    guard !list.isAtEnd else { return nil }
    var attribute = try list.enter()
    let description = try attribute.readContent(BERTag.octetString)
    return (description, try attribute.enter(BERTag.set))
  }
}
