// SPDX-License-Identifier: Apache-2.0

package import Wire

/// An object of a reply with those of its attributes that this client knows (MS-DRSR 5.53 `ENTINF`, 5.162
/// `PROPERTY_META_DATA_EXT`).
package struct ReplicatedObject: Sendable {
  /// When and where an attribute was last written.
  package struct Version: Sendable, Hashable {
    /// Counts the originating writes: of two, the higher is the newer.
    package var number: UInt32
    package var changed: Int64
    package var origin: GUID
    package var originUSN: Int64
  }

  package var name: DSName
  package var attributes: [AttributeType: [[UInt8]]] = [:]
  package var versions: [AttributeType: Version] = [:]

  /// The fields of the list's structure after `pNextEntInf`.
  ///
  ///     DSNAME* pName; unsigned long ulFlags; ATTRBLOCK AttrBlock { ULONG attrCount; ATTR* pAttr; };
  ///     BOOL fIsNCPrefix; UUID* pParentGuid; PROPERTY_META_DATA_EXT_VECTOR* pMetaDataExt;
  struct Node {
    var hasName: Bool
    var attributeCount: UInt32
    var hasAttributes: Bool
    var hasParent: Bool
    var hasVersions: Bool

    init(_ reader: inout NDRReader) throws(ByteError) {
      hasName = try reader.readPointer()
      _ = try reader.read(UInt32.self)
      attributeCount = try reader.read()
      hasAttributes = try reader.readPointer()
      _ = try reader.read(UInt32.self)
      hasParent = try reader.readPointer()
      hasVersions = try reader.readPointer()
    }
  }

  init(_ node: Node, _ reader: inout NDRReader, _ table: SchemaPrefixTable) throws(ByteError) {
    name = node.hasName ? try DSName(&reader) : DSName(name: "")
    var order: [AttributeType?] = []
    if node.hasAttributes {
      let count = try reader.readCount(node.attributeCount, elementSize: 12)
      var headers: [(type: UInt32, values: UInt32, isPresent: Bool)] = []
      for _ in 0..<count { headers.append((try reader.read(), try reader.read(), try reader.readPointer())) }
      for header in headers {
        let values = header.isPresent ? try Self.values(&reader, header.values) : []
        let type = table.attribute(header.type)
        order.append(type)
        if let type { attributes[type] = values }
      }
    }
    if node.hasParent { _ = try reader.readGUID() }
    if node.hasVersions { try readVersions(&reader, order) }
  }

  /// MS-DRSR 5.16 `ATTRVALBLOCK`.
  private static func values(_ reader: inout NDRReader, _ announced: UInt32) throws(ByteError) -> [[UInt8]] {
    let count = try reader.readCount(announced, elementSize: 8)
    var headers: [(length: UInt32, isPresent: Bool)] = []
    for _ in 0..<count { headers.append((try reader.read(), try reader.readPointer())) }
    var values: [[UInt8]] = []
    for header in headers {
      guard header.isPresent else {
        values.append([])
        continue
      }
      let length = try reader.readCount(header.length, elementSize: 1)
      values.append(try reader.readBytes(length))
    }
    return values
  }

  /// One for each attribute, in their order.
  private mutating func readVersions(_ reader: inout NDRReader, _ order: [AttributeType?]) throws(ByteError) {
    let count = try reader.readCount(elementSize: 40)
    try reader.align(8)
    _ = try reader.read(UInt32.self)
    for index in 0..<count {
      try reader.align(8)
      let version = Version(
        number: try reader.read(), changed: try reader.read(), origin: try reader.readGUID(),
        originUSN: try reader.read())
      if index < order.count, let type = order[index] { versions[type] = version }
    }
  }
}
