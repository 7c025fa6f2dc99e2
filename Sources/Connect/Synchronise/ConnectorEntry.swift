// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// A row of the connector space.
struct ConnectorEntry {
  var id: Int64
  var source: String
  var anchor: Anchor
  var kind: ObjectKind
  var parent: [UInt8]?
  var attributes: [UInt8]
  var isDeleted: Bool
  var mv: Int64?
  var name: String
  /// The `watermark` row of its partition.
  var partition: Int64
  /// Whether only the Global Catalog told of it.
  var isOutside: Bool { partition == OutsideObjects.partition }

  init(_ row: SQLRow) throws {
    id = try row[0]
    source = try row[1]
    anchor = Anchor(try row[2])
    kind = try row.kind(3)
    parent = try row[4]
    attributes = try row[5]
    isDeleted = try row[6]
    mv = try row[7]
    name = try row[8]
    partition = try row[9]
  }
}
