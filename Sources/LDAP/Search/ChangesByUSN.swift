// SPDX-License-Identifier: Apache-2.0

import Wire

extension LDAPConnection {
  /// Reads what changed since an update sequence number: for accounts without the right for DirSync.
  ///
  /// What is lost against DirSync: each changed object comes whole, with all values of its links, so that a removed member
  /// shows only by its absence; a cleared attribute likewise; deletions show only where the account may read
  /// `CN=Deleted Objects` (by default administrators), and never those whose tombstone has gone; the numbers mean
  /// something on this server and database alone, so that a change of server or `invocationId` asks for a full read.
  ///
  /// Take the next watermark from the rootDSE's `highestCommittedUSN` *before* this read: what changes meanwhile comes
  /// again.
  ///
  /// - Parameter usn: everything above it; 0 for everything.
  package func changes(
    sinceUSN usn: Int64, base: String, filter: Filter, attributes: [String], pageSize: Int32 = defaultPageSize
  ) -> USNChangeStream {
    // Integers have no `>` in LDAP.
    let next = usn == .max ? usn : usn + 1
    let changed = Filter.and([.greaterOrEqual("uSNChanged", Array(String(next).utf8)), filter])
    let required = DirSyncRequest.requiredAttributes.filter { required in
      !attributes.contains { $0.equalsIgnoringASCIICase(required) }
    }
    return USNChangeStream(
      entries: search(
        base: base, filter: changed, attributes: attributes + required, pageSize: pageSize, extendedDNs: true,
        showDeleted: true))
  }
}

/// Changed objects, whole, each once; see ``LDAPConnection/changes(sinceUSN:base:filter:attributes:pageSize:)``.
package struct USNChangeStream: AsyncSequence, Sendable {
  package typealias Element = DirectoryChange
  let entries: SearchStream

  package func makeAsyncIterator() -> Iterator { Iterator(entries: entries.makeAsyncIterator(), stream: entries) }

  package struct Iterator: AsyncIteratorProtocol {
    var entries: SearchStream.Iterator
    let stream: SearchStream

    package mutating func next() async throws -> DirectoryChange? {
      guard let entry = try await entries.next() else { return nil }
      do {
        return try DirectoryChange(entry)
      } catch {
        throw LDAPError.protocolViolation(stream.connection.server.description, "\(error)")
      }
    }
  }
}
