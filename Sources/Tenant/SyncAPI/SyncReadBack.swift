// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SCIM
import Store
import SyncAPI

/// Where a reading of what is synchronised goes on: ``SyncAPI/ReadBack``'s cookie.
struct SyncCookie: Sendable, Equatable {
  /// Resources up to this row were told.
  var after: Int64 = 0
  /// Only what changed since then is told, in milliseconds since 1970; nil for all.
  var since: Int64?
  /// When the reading began: what the next one is told begins there.
  var started: Int64

  private static let version = "1"

  init(after: Int64 = 0, since: Int64? = nil, started: Int64) {
    self.after = after
    self.since = since
    self.started = started
  }

  var text: String {
    Data("\(Self.version);\(after);\(since.map(String.init) ?? "");\(started)".utf8).base64EncodedString()
  }

  /// Nil for what was not made here.
  init?(_ text: String) {
    guard text.utf8.count <= 256, let data = Data(base64Encoded: text) else { return nil }
    let parts = String(decoding: data, as: UTF8.self).split(separator: ";", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == Self.version, let after = Int64(parts[1]), after >= 0,
      let started = Int64(parts[3])
    else { return nil }
    if parts[2].isEmpty {
      since = nil
    } else {
      guard let time = Int64(parts[2]) else { return nil }
      since = time
    }
    self.after = after
    self.started = started
  }
}

extension TenantDirectory {
  /// A page of what is synchronised, in the order of its creation.
  ///
  /// - Throws: ``SyncRefusal`` for a cookie that was not issued here.
  func readBack(cookie text: String?, isFull: Bool) async throws -> ReadBack<ReadBackVersion2>.Page {
    var cookie = SyncCookie(started: environment.now().milliseconds)
    if let text {
      guard let given = SyncCookie(text) else {
        throw SyncRefusal(code: "InvalidCookie", detail: "The cookie was not issued here. Begin with a full reading.")
      }
      // The cookie of a reading that ended says from when on changes are told; a full one begins anew.
      if given.after > 0 || !isFull { cookie = given }
      if given.after == 0, !isFull {
        cookie = SyncCookie(since: given.started, started: environment.now().milliseconds)
      }
    }
    let limits = limits
    return try await store.read { [cookie] transaction in
      try SyncReading(transaction: transaction, limits: limits).page(cookie)
    }
  }
}

private struct SyncReading {
  let transaction: any Transaction
  let limits: TenantLimits

  func page(_ cookie: SyncCookie) throws -> ReadBack<ReadBackVersion2>.Page {
    let condition =
      cookie.since == nil ? "deleted IS NULL AND ?2 IS NULL" : "(modified >= ?2 OR coalesce(deleted, 0) >= ?2)"
    let rows = try transaction.query(
      """
      SELECT \(StoredResource.columns) FROM resource
      WHERE external_id IS NOT NULL AND seq > ?1 AND \(condition) ORDER BY seq LIMIT ?3
      """,
      [
        .integer(cookie.after), cookie.since.map { .integer($0) } ?? .null, .integer(Int64(limits.pageSize) + 1),
      ], StoredResource.init)
    var page = ReadBack<ReadBackVersion2>.Page(objects: [], cookie: nil, hasMore: rows.count > limits.pageSize)
    var (members, last) = (0, cookie.after)
    for stored in rows.prefix(limits.pageSize) {
      let object = try object(stored)
      if case .strings(let anchors)? = object.properties["member"] { members += anchors.count }
      // Many groups may have more members together than one answer should hold.
      guard members <= limits.membersInAnswer || page.objects.isEmpty else {
        page.hasMore = true
        break
      }
      page.objects.append(object)
      last = stored.sequence
    }
    page.cookie =
      page.hasMore
      ? SyncCookie(after: last, since: cookie.since, started: cookie.started).text
      : SyncCookie(since: cookie.since, started: cookie.started).text
    return page
  }

  private func object(_ stored: StoredResource) throws -> SyncObject {
    let type = stored.kind.syncType
    var properties = SyncProperties()
    let isDeleted = stored.deleted != nil
    if !isDeleted {
      let resource = stored.resource(base: "")
      properties = SyncForm.of(type).properties(stored.kind.form.attributes(of: resource))
      for (attribute, ids) in stored.kind.form.references(of: resource) where attribute != "members" {
        guard let property = SyncForm.of(type).links[attribute], let id = ids.first, let anchor = try anchor(of: id)
        else { continue }
        properties[property] = .string(anchor)
      }
      if stored.kind == .group { properties["member"] = .strings(try members(of: stored)) }
    }
    properties[SyncObject.sourceAnchor] = stored.externalId.map(SyncValue.string)
    properties[SyncObject.cloudAnchor] = .string(SyncAnchor.named(type, stored.id).text)
    return SyncObject(type, isDeleted ? .delete : .set, properties)
  }

  private func members(of group: StoredResource) throws -> [String] {
    try transaction.query(
      """
      SELECT r.external_id, r.kind, r.id FROM member m JOIN resource r ON r.seq = m.member
      WHERE m.owner = ? AND r.deleted IS NULL ORDER BY m.member
      """, [.integer(group.sequence)], Self.name)
  }

  private func anchor(of id: String) throws -> String? {
    try transaction.first(
      "SELECT external_id, kind, id FROM resource WHERE id = ? AND deleted IS NULL", [.text(id)], Self.name)
  }

  /// The source anchor, or the tenant's own name of what has none.
  private static func name(_ row: SQLRow) throws -> String {
    if let anchor: String = try row[0] { return anchor }
    let id: String = try row[2]
    let kind: ResourceKind = try row.word(1, "resource.kind", of: id)
    return SyncAnchor.named(kind.syncType, id).text
  }
}
