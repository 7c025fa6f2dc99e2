// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import IdentityModel
import Store
import Wire

/// A reference of an object that points outside what is imported: what the Global Catalog told of its other end, and
/// whether the targets are told of it.
package struct OutsideReference: Sendable, Codable, Equatable {
  /// As the directory calls it, for example `member`.
  package var attribute: String
  package var guid: String
  /// Nil while it is unresolved, as is all that follows but ``reason``.
  package var kind: ObjectKind?
  package var name: String?
  package var sid: String?
  package var sourceAnchor: String?
  package var userPrincipalName: String?
  package var mail: String?
  /// The targets that are told of it.
  package var exportedTo: [String]
  /// Why it is not resolved, or not told to all targets; nil when all are told.
  package var reason: String?
  /// When it is asked for again, in seconds since 1970.
  package var nextTry: Double?
}

/// Reads what references point outside.
struct OutsideReferenceReader {
  let transaction: any Transaction
  let targets: [TargetProfile]

  /// References of one object that are told.
  static let limit = 100

  /// - Parameter owner: the entry that holds the references.
  func read(owner: Int64) throws -> [OutsideReference] {
    try transaction.query(
      """
      SELECT link.attr, link.target_guid, e.kind, e.dn, e.attrs, e.mv, u.detail, u.next_try, u.guid, o.mv
      FROM link JOIN entry AS o ON o.id = link.owner
      LEFT JOIN entry AS e ON e.anchor = link.target_guid AND e.source = o.source
      LEFT JOIN unresolved AS u ON u.source = o.source AND u.guid = link.target_guid
      WHERE link.owner = ? AND link.change IS NOT -1 AND (e.id IS NULL OR e.partition = 0)
      ORDER BY link.attr, e.dn, link.target_guid LIMIT ?
      """, [.integer(owner), .integer(Int64(Self.limit))]
    ) { row in
      let bytes: [UInt8] = try row[1]
      var reference = OutsideReference(
        attribute: try row[0], guid: GUID(bytes)?.description ?? Hex.encode(bytes), exportedTo: [])
      guard let stored = try row[4] as [UInt8]?, let kind = (try row[2] as String?).flatMap(ObjectKind.init) else {
        let isQueued = (try row[8] as [UInt8]?) != nil
        let detail: String? = try row[6]
        reference.reason = detail ?? (isQueued ? "it has not been asked for yet" : "nothing that is exported needs it")
        reference.nextTry = try row[7]
        return reference
      }
      try describe(&reference, bytes, kind, name: row[3], Attributes(stored: stored))
      try explain(&reference, kind, member: row[5], owner: row[9])
      return reference
    }
  }

  private func describe(
    _ reference: inout OutsideReference, _ guid: [UInt8], _ kind: ObjectKind, name: String?, _ attributes: Attributes
  ) throws {
    reference.kind = kind
    reference.name = name
    reference.sid = attributes["objectsid"].first.flatMap { try? SecurityIdentifier($0[...]) }?.description
    reference.sourceAnchor = SourceAnchor.of(Anchor(guid), kind: kind, attributes: attributes)
    reference.userPrincipalName = attributes.text("userprincipalname")
    reference.mail = attributes.text("mail")
  }

  private func explain(
    _ reference: inout OutsideReference, _ kind: ObjectKind, member: Int64?, owner: Int64?
  ) throws {
    var reasons: [String] = []
    for target in targets {
      guard target.holds(kind) else {
        reasons.append("\(target.name) has no place for objects of type \(kind.rawValue)")
        continue
      }
      guard let member, let owner else {
        reasons.append(
          owner == nil ? "what refers to it is not exported" : "another object has its source anchor")
        break
      }
      let arguments: [SQLValue] = [.text(target.name), .integer(member), .integer(owner)]
      let isHeld: Int? = try transaction.value(
        "SELECT 1 FROM remote WHERE target = ? AND mv = ?", Array(arguments[..<2]))
      let isTold: Int? = try transaction.value(
        "SELECT 1 FROM remote_link WHERE target = ? AND member = ? AND owner = ? LIMIT 1", arguments)
      if isTold != nil {
        reference.exportedTo.append(target.name)
      } else if isHeld != nil {
        reasons.append("the next export tells \(target.name)")
      } else {
        reasons.append(
          "\(target.name) holds no object that may be referred to with the source anchor "
            + "\(reference.sourceAnchor ?? ""), as of its last full reading")
      }
    }
    reference.reason = reasons.isEmpty ? nil : reasons.joined(separator: "; ")
  }
}
