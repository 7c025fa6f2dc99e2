// SPDX-License-Identifier: Apache-2.0

import DirectoryLocator
import IdentityModel
import LDAP
import Logging
import Wire

/// One connection to one domain controller, and what has to be known of it before a partition is read.
struct LDAPSession: Sendable {
  let connection: LDAPConnection
  let controller: DomainController
  /// The domain's naming context.
  let base: String
  let invocation: GUID
  /// The server's `highestCommittedUSN` before anything was read.
  private(set) var sequence: Int64
  /// Seconds after which the forest forgets what was deleted.
  let tombstoneLifetime: Double
  /// What is requested, by the names that the forest's schema has.
  let attributes: [String]
  let mapper: EntryMapper
  let logger: Logger
  /// Whether DirSync leaves out what the account may not read, too. Samba does so, and moves on past it (measured with 4.17);
  /// for Windows the right to replicate is enough (MS-ADTS 3.1.1.3.4.1.3).
  let isDirSyncFiltered: Bool
  /// What of a reading has to be said to people; nil when nothing.
  let notice: String?
  /// Signs in to the same controller once more.
  let another: @Sendable () async throws -> LDAPConnection
  /// Which objects are read, and which attributes.
  let selection: ImportSelection
  /// Connections that a full reading uses.
  let connections: Int
  /// Makes of an error what the engine is to know of it.
  let lost: @Sendable (any Error) async -> any Error
  /// Takes the session back after a reading that went well.
  let release: @Sendable (LDAPSession) async -> Void

  /// What identifies and places an object. Samba tells the parent only where the RDN is asked for, too: both change
  /// together.
  static let structuralAttributes = ["objectGUID", "parentGUID", "name", "isDeleted"]

  /// Changes in one batch.
  static let batchSize = 1_000
  /// For an answer of a full reading. A host that is gone is noticed by TCP before.
  private static let patience: Duration = .seconds(600)

  init(
    connection: LDAPConnection, controller: DomainController, domain: String, logger: Logger,
    selection: ImportSelection, connections: Int,
    another: @escaping @Sendable () async throws -> LDAPConnection,
    lost: @escaping @Sendable (any Error) async -> any Error,
    release: @escaping @Sendable (LDAPSession) async -> Void
  ) async throws {
    self.connection = connection
    self.controller = controller
    self.logger = logger
    self.selection = selection
    self.connections = connections
    self.another = another
    self.lost = lost
    self.release = release
    let root = try await connection.rootDSE()
    guard let base = root.defaultNamingContext, let sequence = root.highestCommittedUSN else {
      throw ConnectError(
        .directoryUnreachable, "\(controller.hostName) does not say which domain it holds or how far it is.",
        remedy: "Check that it is a domain controller of \(domain).")
    }
    self.base = base
    self.sequence = sequence
    invocation = try await connection.invocationID(of: root)
    tombstoneLifetime = Double(try await connection.tombstoneLifetime(of: root)) * 86_400
    let wanted = selection.attributes
    let schema = try await connection.schema(of: wanted, root)
    let known = wanted.filter { schema[$0.lowercased()] != nil }
    if known.count < wanted.count {
      logger.debug(
        "the forest lacks attributes",
        metadata: ["attributes": "\(wanted.filter { schema[$0.lowercased()] == nil }.joined(separator: " "))"])
    }
    attributes = known + Self.structuralAttributes
    mapper = EntryMapper(known, links: selection.links)
    isDirSyncFiltered = root.isSamba
    notice = isDirSyncFiltered ? try await Self.notice(connection, base: base) : nil
  }

  /// Samba shows tombstones only to those who may list them, whatever else they may (measured with 4.17): without that
  /// right deletions would stay unseen until the next full import.
  private static func notice(_ connection: LDAPConnection, base: String) async throws -> String? {
    let container = "CN=Deleted Objects,\(base)"
    let entry = try await connection.entry(
      container, attributes: ["objectClass"], controls: [Control(.showDeleted, isCritical: true)])
    guard entry?["objectClass"] == nil else { return nil }
    return "Deletions are seen by full imports only: grant the account List Contents and Read Property on \(container)."
  }

  /// The session for another reading, when the connection is alive and the server still holds the same database.
  func renewed() async throws -> LDAPSession? {
    let root = try await connection.rootDSE()
    guard root.defaultNamingContext == base, let sequence = root.highestCommittedUSN, sequence >= self.sequence else {
      return nil
    }
    var session = self
    session.sequence = sequence
    return session
  }

  var watermark: Watermark {
    Watermark(cookie: [], server: controller.hostName, invocation: invocation.bytes, sequence: sequence)
  }

  // MARK: Which way to read

  func read(since watermark: Watermark?) async throws -> ImportReading {
    let (cookie, reason) = try await judge(watermark)
    if let watermark, watermark.cookie.isEmpty, cookie != nil {
      guard let now = try await permittedCookie() else {
        return readBySequence(since: watermark.sequence, note: Self.lesserNote)
      }
      // What was read meanwhile lacks what the account could not see: only a reading from the start makes up for that.
      return readFully(from: now, reason: "Replicating Directory Changes was given to the account")
    }
    do {
      return try await readByDirSync(cookie ?? [], reason: reason)
    } catch let error as LDAPError where error.code == .badCookie && cookie != nil {
      return try await readByDirSync([], reason: "\(controller.hostName) refused the cookie")
    } catch let error as LDAPError where error.code == .insufficientAccessRights {
      return readBySequence(since: nil, note: Self.lesserNote)
    }
  }

  /// What to go on from, nil for the start, and why from the start.
  private func judge(_ watermark: Watermark?) async throws -> (cookie: [UInt8]?, reason: String?) {
    guard let watermark else { return (nil, nil) }
    if let age = watermark.age, age > tombstoneLifetime {
      return (nil, "the last reading is older than deletions are remembered (\(Int(tombstoneLifetime / 86_400)) days)")
    }
    guard !DirSyncCookie(watermark.cookie).isAhead(ofUSN: sequence, invocationID: invocation) else {
      return (nil, "\(controller.hostName) was restored: it is behind what was already read from it")
    }
    if watermark.invocation == invocation.bytes {
      guard watermark.sequence <= sequence else {
        return (nil, "\(controller.hostName) was restored: it is behind what was already read from it")
      }
      return (watermark.cookie, nil)
    }
    if watermark.server == controller.hostName, try await !vouches(for: DirSyncCookie(watermark.cookie)) {
      return (nil, "the database of \(controller.hostName) was replaced")
    }
    // Update sequence numbers are one server's own; a cookie says what was seen of every server and is offered.
    return watermark.cookie.isEmpty
      ? (nil, "\(controller.hostName) numbers its changes otherwise than \(watermark.server)") : (watermark.cookie, nil)
  }

  /// Whether a database that took the place of another one has all that was read from that: restored from a backup, it may
  /// lack for good what nobody else had yet, also deletions.
  private func vouches(for cookie: DirSyncCookie) async throws -> Bool {
    guard let known = cookie.position, let now = try await permittedCookie()?.position else { return false }
    return now.usn(of: known.invocationID) >= known.usn
  }

  static let lesserNote =
    "The account lacks Replicating Directory Changes: read by uSNChanged instead. Attributes that it could never read "
    + "look empty, deletions are seen only where it may list Deleted Objects, and each change of a group rereads its members."

  private func note(_ reason: String?) -> String? {
    let parts = [reason, notice].compactMap { $0 }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }

  // MARK: DirSync

  /// The present place in the domain's changes; nil while the account may not read them.
  private func permittedCookie() async throws -> DirSyncCookie? {
    do {
      return try await connection.dirSyncCookie(base: base)
    } catch let error as LDAPError where error.code == .insufficientAccessRights {
      return nil
    }
  }

  private func readFully(from cookie: DirSyncCookie, reason: String?) -> ImportReading {
    let slices = SlicedReading(session: self, cookie: cookie)
    return ImportReading(
      mode: .full, note: note(reason), requested: requestedNames, isFiltered: isDirSyncFiltered,
      rights: LDAPReadingRights(self), reread: LDAPRereading(self).read, batches: slices.batches())
  }

  private func readByDirSync(_ cookie: [UInt8], reason: String?) async throws -> ImportReading {
    guard !cookie.isEmpty else {
      return readFully(from: try await connection.dirSyncCookie(base: base), reason: reason)
    }
    let last = cookie
    let iterator = SerialIterator(connection.dirSyncParts(request(since: cookie)).makeAsyncIterator())
    let received = connection.bytesReceived
    // The first answer tells whether the server goes on from the cookie at all.
    let first = OneTime(try await iterator.next())
    return ImportReading(
      mode: .delta, note: note(reason), expected: nil, requested: requestedNames, isFiltered: isDirSyncFiltered,
      rights: LDAPReadingRights(self), reread: LDAPRereading(self).read,
      batches: batches { batch in
        while batch.changes.count < Self.batchSize {
          var next = first.take()
          if next == nil { next = try await iterator.next() }
          guard let part = next else { return }
          for entry in part.entries { batch.changes.append(try mapper.change(entry, isFull: false)) }
          if let (cookie, hasMore) = part.checkpoint, !hasMore {
            batch.end = end(cookie, isComplete: false, bytes: connection.bytesReceived - received)
            batch.end?.isUnchanged = cookie.isSamePlace(as: DirSyncCookie(last))
            return
          }
        }
      })
  }

  func request(since cookie: [UInt8], only slice: Filter? = nil) -> DirSyncRequest {
    DirSyncRequest(
      base: base, filter: slice.map { .and([$0, selection.filter]) } ?? selection.filter, attributes: attributes,
      cookie: DirSyncCookie(cookie), flags: [.ancestorsFirst, .incrementalValues],
      patience: cookie.isEmpty ? Self.patience : nil)
  }

  func end(_ cookie: DirSyncCookie, isComplete: Bool, bytes: Int) -> Batch.End {
    var watermark = watermark
    watermark.cookie = cookie.bytes
    return Batch.End(watermark: watermark, isComplete: isComplete, bytes: bytes)
  }

  /// What is asked for, by the names in the connector space.
  var requestedNames: Set<String> { Set(attributes.map { $0.lowercased() }) }

  // MARK: uSNChanged

  private func readBySequence(since last: Int64?, note: String) -> ImportReading {
    let isFull = last == nil
    let filter =
      last.map { .and([.greaterOrEqual("uSNChanged", Array(String($0 &+ 1).utf8)), selection.filter]) }
      ?? selection.filter
    let live = SerialIterator(
      connection.search(base: base, filter: filter, attributes: attributes, extendedDNs: true).makeAsyncIterator())
    let deleted = SerialIterator(
      connection.search(
        base: base, filter: .and([.equal("isDeleted", "TRUE"), filter]), attributes: ["objectGUID", "isDeleted"],
        extendedDNs: true, showDeleted: true
      ).makeAsyncIterator())
    let isLiveRead = OneTime<Bool>(false)
    let received = connection.bytesReceived
    return ImportReading(
      mode: isFull ? .full : .delta, note: self.note(note), expected: nil,
      requested: requestedNames, isFiltered: true, rights: LDAPReadingRights(self), reread: LDAPRereading(self).read,
      batches: batches { batch in
        while batch.changes.count < Self.batchSize {
          if !isLiveRead.value {
            if let entry = try await live.next() {
              batch.changes.append(try mapper.change(whole: entry, links: isFull ? .add : .replace))
              continue
            }
            isLiveRead.value = true
          }
          if !isFull, let entry = try await deleted.next() {
            if let change = mapper.deletion(entry) { batch.changes.append(change) }
            continue
          }
          batch.end = Batch.End(
            watermark: watermark, isComplete: isFull, isUnchanged: last == sequence,
            bytes: connection.bytesReceived - received)
          return
        }
      })
  }

  /// Batches until one has an end; then the session is given back. An error closes its connection.
  private func batches(
    _ fill: @escaping @Sendable (inout Batch) async throws -> Void
  ) -> AsyncThrowingStream<Batch, any Error> {
    let isOver = OneTime<Bool>(false)
    return AsyncThrowingStream {
      if isOver.value { return nil }
      var batch = Batch([])
      do {
        try await fill(&batch)
      } catch {
        isOver.value = true
        await connection.close()
        throw await lost(error)
      }
      if batch.end == nil, batch.changes.count >= Self.batchSize { return batch }
      isOver.value = true
      if batch.end == nil { await connection.close() } else { await release(self) }
      return batch
    }
  }
}

/// A value that a serial stream keeps between two pulls.
///
/// `@unchecked Sendable` proof: as for ``SerialIterator``: only the closure of one pulled stream uses it.
private final class OneTime<Value>: @unchecked Sendable {
  var value: Value
  init(_ value: Value) { self.value = value }
}

extension OneTime {
  func take<Wrapped>() -> Wrapped? where Value == Wrapped? {
    defer { value = nil }
    return value
  }
}
