// SPDX-License-Identifier: Apache-2.0

package import Wire

/// What to replicate (MS-DRSR 4.1.10.2.4 `DRS_MSG_GETCHGREQ_V8` and 4.1.10.2.5 `..._V10`).
package struct ReplicationRequest: Sendable {
  /// MS-DRSR 5.41 `DRS_OPTIONS`, those that a reading client uses.
  package struct Options: OptionSet, Sendable, Hashable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let writableReplica = Options(rawValue: 0x0000_0010)
    package static let initial = Options(rawValue: 0x0000_0020)
    package static let periodic = Options(rawValue: 0x0000_0040)
    package static let ancestorsFirst = Options(rawValue: 0x0000_0800)
  }

  /// 4.1.10.2.22 `EXOP_REQ` codes.
  package enum Operation: UInt32, Sendable {
    case changes = 0
    /// `EXOP_REPL_OBJ`: one object, named in place of the naming context.
    case object = 6
  }

  /// A naming context's root, or the object.
  package var context: DSName
  /// Where the last reply ended, and the invocation identifier that came with it.
  package var from = USNVector.zero
  package var invocation = GUID.zero
  /// What is known of all servers; nil when nothing is.
  package var known: UpToDateVector?
  package var options: Options = [.writableReplica, .initial, .periodic, .ancestorsFirst]
  /// Objects in one reply; servers may send fewer. 1,000 take some 0.2 s of a server's time.
  package var maximumObjects: UInt32 = 1000
  /// Bytes of one reply as the server counts them; Windows takes 0 for its own choice.
  package var maximumBytes: UInt32 = 0
  package var operation = Operation.changes
  /// The attributes wanted; others are not sent.
  package var attributes: [AttributeType]

  package init(context: DSName, attributes: [AttributeType]) {
    self.context = context
    self.attributes = attributes
  }

  /// - Parameter version: 8 or 10; what they differ in is one field at the end.
  func write(to writer: inout NDRWriter, version: UInt32) {
    writer.write(version)
    writer.write(version)
    writer.align(8)
    writer.write(GUID.zero)  // uuidDsaObjDest: this client is no DSA
    writer.write(invocation)
    writer.writePointer()
    writer.align(8)
    from.write(to: &writer)
    writer.writePointer(if: known != nil)
    writer.write(options.rawValue)
    writer.write(maximumObjects)
    writer.write(maximumBytes)
    writer.write(operation.rawValue)
    writer.write(UInt64(0))  // liFsmoInfo
    writer.writePointer(if: !attributes.isEmpty)
    writer.write(UInt32(0))  // pPartialAttrSetEx
    // PrefixTableDest: empty. One with entries would have to carry the schema's signature, which a client without a
    // replica does not have; the attributes named here are in the table that every server begins with.
    writer.write(UInt32(0))
    writer.write(UInt32(0))
    if version >= 10 { writer.write(UInt32(0)) }  // ulMoreFlags
    context.write(to: &writer)
    known?.writeV1(to: &writer)
    guard !attributes.isEmpty else { return }
    // MS-DRSR 5.158 PARTIAL_ATTR_VECTOR_V1_EXT: version, reserved, count, identifiers in ascending order.
    writer.write(UInt32(attributes.count))
    writer.write(UInt32(1))
    writer.write(UInt32(0))
    writer.write(UInt32(attributes.count))
    for attribute in attributes.map(\.rawValue).sorted() { writer.write(attribute) }
  }
}
