// SPDX-License-Identifier: Apache-2.0

/// The server's mark of how far a DirSync reader has come. Opaque by specification; what can be read of it is only used
/// to notice a server that went back in time.
package struct DirSyncCookie: Sendable, Hashable {
  package var bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package var isEmpty: Bool { bytes.isEmpty }
}
