// SPDX-License-Identifier: Apache-2.0

import Connect
import Foundation
import IdentityModel
import LDAP
import Store

/// The ways of reading that are measured.
struct Readings {
  let peer: LabPeer
  private var base: String { peer.forest.baseDN }

  func dirSync(_ name: String) async throws -> Measurement {
    let connection = try await peer.connect()
    let attributes = try await peer.attributes(connection)
    let mapper = EntryMapper(attributes)
    let result = try await Measurement.take(name) {
      try await changes(connection, attributes, since: DirSyncCookie([]), mapper)
    }
    await connection.close()
    return result
  }

  private func changes(
    _ connection: LDAPConnection, _ attributes: [String], since cookie: DirSyncCookie, _ mapper: EntryMapper
  ) async throws -> (entries: Int, links: Int) {
    var count = (entries: 0, links: 0)
    let request = DirSyncRequest(base: base, filter: LDAPSource.filter, attributes: attributes, cookie: cookie)
    for try await part in connection.dirSyncParts(request) {
      count.entries += part.entries.count
      for entry in part.entries {
        count.links += try mapper.change(entry, isFull: cookie.isEmpty).links.reduce(0) { $0 + $1.targets.count }
      }
    }
    return count
  }

  /// One connection reads the tree as one search. Several take the children of one container after the other from a
  /// queue, between a DirSync cookie and its replay.
  func paged(_ name: String, connections: Int) async throws -> Measurement {
    var links: [LDAPConnection] = []
    for _ in 0..<connections { links.append(try await peer.connect()) }
    let first = links[0]
    let attributes = try await peer.attributes(first)
    let mapper = EntryMapper(attributes)
    let result = try await Measurement.take(name) { [links] in
      guard links.count > 1 else {
        return try await read(Part(base: base, scope: .subtree), first, attributes, mapper)
      }
      let cookie = try await first.dirSyncCookie(base: base)
      let queue = PartQueue(try await partitions(first))
      let counts = try await withThrowingTaskGroup(of: (entries: Int, links: Int).self) { group in
        for connection in links {
          group.addTask {
            var count = (entries: 0, links: 0)
            while let partition = await queue.next() {
              let part = try await read(partition, connection, attributes, mapper)
              count = (count.entries + part.entries, count.links + part.links)
            }
            return count
          }
        }
        return try await group.reduce(into: (entries: 0, links: 0)) {
          $0 = ($0.entries + $1.entries, $0.links + $1.links)
        }
      }
      _ = try await changes(first, attributes, since: cookie, mapper)
      return counts
    }
    for link in links { await link.close() }
    return result
  }

  /// The root, and what stands directly below each container: Samba has an index of children, but walks all candidates
  /// of the whole domain for each search of a subtree.
  private func partitions(_ connection: LDAPConnection) async throws -> [Part] {
    var result = [Part(base: base, scope: .base)]
    let containers = Filter.or(
      ["organizationalUnit", "container", "domainDNS", "builtinDomain"].map { .equal("objectClass", $0) })
    for try await container in connection.search(base: base, filter: containers, attributes: ["1.1"]) {
      result.append(Part(base: container.dn, scope: .oneLevel))
    }
    return result
  }

  private func read(
    _ part: Part, _ connection: LDAPConnection, _ attributes: [String], _ mapper: EntryMapper
  ) async throws -> (entries: Int, links: Int) {
    var count = (entries: 0, links: 0)
    let entries = connection.search(
      base: part.base, scope: part.scope, filter: LDAPSource.filter, attributes: attributes,
      extendedDNs: true)
    for try await entry in entries {
      count.entries += 1
      count.links += try mapper.change(whole: entry, links: .add).links.reduce(0) { $0 + $1.targets.count }
    }
    return count
  }

  /// The import phase as the product runs it: locator, sign-in, DirSync, connector space.
  func importing(_ name: String, connections: Int) async throws -> Measurement {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("import-benchmark-\(getpid())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let store = try await SQLiteStore.open(path: folder + "/connect.db", migrations: ConnectSchema.migrations)
    let source = LDAPSource(
      name: peer.forest.name, domains: [peer.forest.name], locator: peer.locator, logger: peer.logger,
      connections: connections
    ) { [peer] _ in try await peer.connect() }
    let importer = Importer(
      source: source, store: store, logger: peer.logger, now: { Date.now.timeIntervalSince1970 }, progress: .none)
    let result = try await Measurement.take(name) {
      let reports = try await importer.run(full: true)
      return (reports.reduce(0) { $0 + $1.read }, reports.reduce(0) { $0 + $1.links })
    }
    try await store.close()
    return result
  }

  func decode(_ name: String, passes: Int) async throws -> Measurement {
    let connection = try await peer.connect()
    let attributes = try await peer.attributes(connection)
    let mapper = EntryMapper(attributes)
    var entries: [UnparsedEntry] = []
    for try await part in connection.dirSyncParts(
      DirSyncRequest(base: base, filter: LDAPSource.filter, attributes: attributes))
    {
      entries += part.entries
    }
    await connection.close()
    return try await Measurement.take(name) { [entries] in
      var count = (entries: 0, links: 0)
      for _ in 0..<passes {
        for entry in entries {
          count.entries += 1
          count.links += try mapper.change(entry, isFull: true).links.reduce(0) { $0 + $1.targets.count }
        }
      }
      return count
    }
  }

  func printArguments() async throws {
    let connection = try await peer.connect()
    for line in [LDAPSource.filter.description] + (try await peer.attributes(connection)) { print(line) }
    await connection.close()
  }
}

/// What one search reads.
private struct Part: Sendable {
  var base: String
  var scope: SearchRequest.Scope
}

/// What is left to read.
private actor PartQueue {
  private var partitions: [Part]
  init(_ partitions: [Part]) { self.partitions = partitions }
  func next() -> Part? { partitions.popLast() }
}
