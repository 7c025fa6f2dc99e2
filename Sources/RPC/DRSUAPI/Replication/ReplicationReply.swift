// SPDX-License-Identifier: Apache-2.0

package import Wire

/// One page of changes (MS-DRSR 4.1.10.2.9 `DRS_MSG_GETCHGREPLY_V1`, 4.1.10.2.11 `..._V6`, 4.1.10.2.14 `..._V9`).
package struct ReplicationReply: Sendable {
  /// The DSA that answered.
  package var source = GUID.zero
  /// The database's invocation identifier: it changes when the server is restored.
  package var invocation = GUID.zero
  /// Where to go on.
  package var next = USNVector.zero
  /// Once there is no more: what is known of all servers from now on.
  package var known: UpToDateVector?
  package var objects: [ReplicatedObject] = []
  package var hasMore = false
  /// 4.1.10.2.21 `EXOP_ERR`, of an extended operation: 1 is success.
  package var extendedResult: UInt32 = 0
  /// A WERROR that the reply itself carries (V6 and V9).
  package var error: UInt32 = 0

  /// Reads the out parameters, without the procedure's result at the end.
  init(_ reader: inout NDRReader) throws(ByteError) {
    let at = reader.position
    let version = try reader.read(UInt32.self)
    switch version {
    case 1, 6, 9: break
    case 2, 7: throw .malformed(offset: at, reason: "a compressed reply (version \(version)), which was not asked for")
    default: throw .malformed(offset: at, reason: "a reply of version \(version)")
    }
    try reader.expect(version, "arm of the reply")
    try reader.align(8)
    source = try reader.readGUID()
    invocation = try reader.readGUID()
    let hasContext = try reader.readPointer()
    _ = try USNVector(&reader)
    next = try USNVector(&reader)
    let hasKnown = try reader.readPointer()
    let prefixes = try reader.read(UInt32.self)
    let hasPrefixes = try reader.readPointer()
    extendedResult = try reader.read()
    let count = try reader.read(UInt32.self)
    _ = try reader.read(UInt32.self)  // cNumBytes
    let hasObjects = try reader.readPointer()
    hasMore = try reader.read(UInt32.self) != 0
    if version >= 6 {
      try reader.skip(12)  // cNumNcSizeObjects, cNumNcSizeValues, cNumValues
      // rgValues, the values of linked attributes: none is asked for, and they would follow everything read here.
      _ = try reader.readPointer()
      error = try reader.read()
    }
    if hasContext { _ = try DSName(&reader) }
    if hasKnown { known = try UpToDateVector(&reader) }
    let table = hasPrefixes ? try SchemaPrefixTable(&reader, count: prefixes) : SchemaPrefixTable()
    if hasObjects { objects = try Self.objects(&reader, count: count, table) }
  }

  /// MS-DRSR 5.164 `REPLENTINFLIST`, a linked list: the structures come first to last, then what each points to, last
  /// structure first.
  private static func objects(
    _ reader: inout NDRReader, count: UInt32, _ table: SchemaPrefixTable
  ) throws(ByteError) -> [ReplicatedObject] {
    var nodes: [ReplicatedObject.Node] = []
    var follows = true
    while follows {
      guard nodes.count < Int(count) else {
        throw .malformed(offset: reader.position, reason: "more than the \(count) objects announced")
      }
      follows = try reader.readPointer()
      nodes.append(try ReplicatedObject.Node(&reader))
    }
    guard nodes.count == Int(count) else {
      throw .malformed(offset: reader.position, reason: "\(nodes.count) objects, \(count) announced")
    }
    var objects: [ReplicatedObject] = []
    objects.reserveCapacity(nodes.count)
    for node in nodes.reversed() { objects.append(try ReplicatedObject(node, &reader, table)) }
    objects.reverse()
    return objects
  }
}
