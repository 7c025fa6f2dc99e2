// SPDX-License-Identifier: Apache-2.0

package import Wire

/// One PDU as it travels: header, body, and where it is authenticated padding, `sec_trailer` and token (C706 12.6.1).
package struct Fragment: Sendable, Hashable {
  package private(set) var bytes: [UInt8]
  package let header: PDUHeader
  /// Nil where the PDU is not authenticated.
  package let trailer: SecurityTrailer?

  /// Reads header and trailer of exactly one fragment.
  package init(_ bytes: [UInt8]) throws(ByteError) {
    header = try PDUHeader(bytes)
    guard Int(header.fragmentLength) == bytes.count else {
      throw .malformed(offset: 8, reason: "a fragment of \(header.fragmentLength) bytes in \(bytes.count)")
    }
    self.bytes = bytes
    guard header.authLength > 0 else {
      trailer = nil
      return
    }
    var reader = ByteReader(bytes)
    let start = bytes.count - Int(header.authLength) - SecurityTrailer.length
    try reader.seek(to: start)
    let trailer = try SecurityTrailer(&reader)
    guard Int(trailer.padding) <= start - PDUHeader.length else {
      throw .malformed(offset: start + 2, reason: "\(trailer.padding) bytes of padding")
    }
    self.trailer = trailer
  }

  /// Builds a fragment. Its lengths are filled in; the body is padded so that the trailer stands at a multiple of
  /// `alignment` from the body's start (MS-RPCE 2.2.2.11: at least four).
  /// - Parameter tokenLength: room for the token, which follows with ``setToken(_:)``.
  package init(
    _ type: PDUType, flags: PDUFlags = .whole, callID: UInt32, body: [UInt8],
    security: (type: AuthenticationType, contextID: UInt32)? = nil, tokenLength: Int = 0, paddedFrom start: Int = 0,
    to alignment: Int = 4
  ) {
    let padding = security == nil ? 0 : (alignment - max(0, body.count - start) % alignment) % alignment
    let trailer = security.map {
      SecurityTrailer(type: $0.type.rawValue, padding: UInt8(clamping: padding), contextID: $0.contextID)
    }
    let extra = trailer == nil ? 0 : padding + SecurityTrailer.length + tokenLength
    let header = PDUHeader(
      type: type, flags: flags, fragmentLength: UInt16(clamping: PDUHeader.length + body.count + extra),
      authLength: UInt16(clamping: trailer == nil ? 0 : tokenLength), callID: callID)
    var writer = ByteWriter()
    header.write(to: &writer)
    writer.write(body)
    if let trailer {
      writer.write(repeatElement(0, count: padding))
      trailer.write(to: &writer)
      writer.write(repeatElement(0, count: tokenLength))
    }
    self.header = header
    self.trailer = trailer
    bytes = writer.bytes
  }

  /// Where the `sec_trailer` stands, or the end.
  var trailerStart: Int {
    trailer == nil ? bytes.count : bytes.count - Int(header.authLength) - SecurityTrailer.length
  }

  var tokenStart: Int { bytes.count - Int(header.authLength) }

  /// The authentication token; empty where there is none.
  package var token: [UInt8] { Array(bytes[tokenStart...]) }

  /// What stands between header and padding.
  package var body: [UInt8] {
    Array(bytes[PDUHeader.length..<trailerStart - Int(trailer?.padding ?? 0)])
  }

  /// Puts a token of exactly the length that was reserved into its place.
  /// - Returns: false when it has another length.
  mutating func setToken(_ token: [UInt8]) -> Bool {
    guard token.count == Int(header.authLength) else { return false }
    bytes.replaceSubrange(tokenStart..., with: token)
    return true
  }

  /// Replaces the bytes by ones of the same length, sealed or unsealed.
  mutating func withBytes<R>(_ body: (inout [UInt8]) throws(SecurityError) -> R) throws(SecurityError) -> R {
    try body(&bytes)
  }
}
