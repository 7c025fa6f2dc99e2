// SPDX-License-Identifier: Apache-2.0

import NIOCore
package import Wire

/// The anonymous read of the rootDSE as a message, and its answer (RFC 4512 5.1): for those who carry the bytes
/// themselves, such as a check of the path to a server.
package struct RootDSEQuestion: Sendable, Hashable {
  package let id: Int32

  /// Bytes of the longest answer that is read: Windows' takes about 5 KB.
  package static let maximumAnswer = 1 << 18

  /// - Parameter id: from 1 to 2^31-1.
  package init(id: Int32) { self.id = id }

  package enum Answer: Sendable, Hashable {
    case found(RootDSE)
    /// The server answered the search with a result that is no success, or without an entry.
    case refused(LDAPResult)
  }

  package var message: [UInt8] {
    let request = SearchRequest(
      base: "", scope: .base, filter: .present("objectClass"), attributes: RootDSE.attributes)
    return LDAPMessage(id: id, .searchRequest(request)).encoded
  }

  /// Reads all bytes that came so far.
  /// - Returns: nil while the answer is not whole.
  package func answer(_ bytes: [UInt8]) throws(ByteError) -> Answer? {
    var framer = MessageFramer(maximumSize: Self.maximumAnswer)
    framer.append(ByteBuffer(bytes: bytes))
    var found: RootDSE?
    while let next = try framer.next() {
      let message = try LDAPMessage(next)
      guard message.id == id else { throw .malformed(offset: 0, reason: "an answer to message \(message.id)") }
      switch message.operation {
      case .searchResultEntry(let entry) where found == nil: found = RootDSE(entry)
      case .searchResultDone(let result):
        guard result.code == .success, let found else { return .refused(result) }
        return .found(found)
      default: throw .malformed(offset: 0, reason: "no answer to a search")
      }
    }
    return nil
  }
}
