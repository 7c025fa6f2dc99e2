// SPDX-License-Identifier: Apache-2.0

package import Wire

/// What a KDC says to an ``InitialRequest``.
package enum InitialAnswer: Sendable, Hashable {
  /// A ticket for whoever has the key; it is not looked into.
  case ticket
  /// A KRB-ERROR; the time is the KDC's, in seconds since 1970, and not authenticated.
  case error(code: Int, name: String, serverTime: Int64)

  /// A message as it travels in a datagram.
  package init(_ bytes: [UInt8]) throws(ByteError) {
    switch try KDCReply(bytes) {
    case .ticket: self = .ticket
    case .error(let error):
      self = .error(
        code: Int(error.code), name: KerberosErrorCode.name(error.code), serverTime: error.serverTime)
    }
  }

  /// A message as it travels on a stream.
  /// - Returns: nil while it is not whole.
  package static func onStream(_ bytes: [UInt8]) throws(ByteError) -> InitialAnswer? {
    var frame = KDCFrame()
    var position = 0
    while position < bytes.count {
      let piece = bytes[position..<min(bytes.count, position + max(1, frame.missing))]
      if let message = try frame.append(piece) { return try InitialAnswer(message) }
      position += piece.count
    }
    return nil
  }
}
