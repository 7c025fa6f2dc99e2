// SPDX-License-Identifier: Apache-2.0

import Wire

/// What a person or an administrator wants.
package enum WritebackOperation: String, Sendable, CaseIterable {
  /// With the old password: the directory enforces history and age.
  case change
  /// Without it.
  case reset
  /// Ends a lockout; there is no password in it.
  case unlock
}

/// What a request says in the open, bound to what is encrypted as its associated data: nothing of it can be changed, and no
/// secret can be moved to another request.
package struct WritebackHeader: Sendable, Hashable {
  package static let nonceBytes = 16
  /// A source anchor is the base64 of 16 bytes; rules may make others.
  package static let maximumTextBytes = 512

  /// The tenant's initial domain.
  package var tenant: String
  /// Random; serves one request. In hexadecimal digits it is the request's identifier.
  package var nonce: [UInt8]
  package var operation: WritebackOperation
  /// The user's source anchor, its externalId at the tenant.
  package var anchor: String
  /// Milliseconds since 1970.
  package var expires: Int64

  package var identifier: String { Hex.encode(nonce) }

  package init(tenant: String, nonce: [UInt8], operation: WritebackOperation, anchor: String, expires: Int64) {
    self.tenant = tenant
    self.nonce = nonce
    self.operation = operation
    self.anchor = anchor
    self.expires = expires
  }

  /// Each part with its length before it, so that no two headers have the same bytes.
  package var bytes: [UInt8] {
    var writer = ByteWriter()
    for part in [Array(tenant.utf8), nonce, Array(operation.rawValue.utf8), Array(anchor.utf8)] {
      writer.writeBigEndian(UInt32(clamping: part.count))
      writer.write(part)
    }
    writer.writeBigEndian(expires)
    return writer.bytes
  }
}
