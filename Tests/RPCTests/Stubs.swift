// SPDX-License-Identifier: Apache-2.0

import Wire

@testable import RPC

/// Answers as servers write them, built from their specifications, and what reads them.
enum Stubs {
  typealias Read = (inout NDRReader) throws -> Void

  static var all: [(name: String, stub: [UInt8], read: Read)] {
    [
      ("ept_map", towers, { reader in _ = try EndpointMapper.read(reader.readBytes(reader.remaining)) }),
      ("DRSDomainControllerInfo", controllers, { reader in _ = try DRSClient.domainControllers(&reader) }),
      ("DRSGetNCChanges", changes(objects: 2, version: 6), { reader in _ = try ReplicationReply(&reader) }),
      ("DRSGetNCChanges V1", changes(objects: 1, version: 1), { reader in _ = try ReplicationReply(&reader) }),
      ("LsarQueryInformationPolicy2", domain, { reader in _ = try LSAClient.domain(&reader) }),
      ("LsarEnumerateTrustedDomainsEx", trusts, { reader in _ = try LSAClient.trusts(&reader) }),
      ("LsarLookupSids", names, { reader in _ = try LSAClient.names(&reader) }),
    ]
  }

  static let sid = SecurityIdentifier("S-1-5-21-1-2-3-1103")

  static var towers: [UInt8] {
    var writer = NDRWriter()
    ContextHandle.null.write(to: &writer)
    writer.write(UInt32(1))
    for value in [16, 0, 1] as [UInt32] { writer.write(value) }
    writer.writePointer()
    let tower = Tower(of: RPCInterface.drsuapi.syntax).encoded
    writer.write(UInt32(tower.count))
    writer.write(UInt32(tower.count))
    writer.writeBytes(tower)
    writer.write(UInt32(0))
    return writer.bytes
  }

  static var controllers: [UInt8] {
    var writer = NDRWriter()
    writer.write(UInt32(2))
    writer.write(UInt32(2))
    writer.write(UInt32(1))
    writer.writePointer()
    writer.write(UInt32(1))
    for _ in 0..<7 { writer.writePointer() }
    for value in [1, 1, 1] as [UInt32] { writer.write(value) }
    for _ in 0..<4 { writer.write(GUID.zero) }
    for text in ["DC1", "dc1.corp.example", "S", "CN=S", "CN=DC1", "CN=DC1,CN=S", "CN=NTDS"] {
      writer.write(string: text)
    }
    writer.write(UInt32(0))
    return writer.bytes
  }

  /// MS-DRSR 4.1.10.2.9 and 4.1.10.2.11, with one attribute that carries a secret in each object.
  static func changes(objects: Int, version: UInt32, compressed: Bool = false) -> [UInt8] {
    var writer = NDRWriter()
    writer.write(version)
    writer.write(version)
    writer.align(8)
    writer.write(GUID(words: 1, 2))
    writer.write(GUID(words: 3, 4))
    writer.writePointer()
    for value in 0..<6 { writer.write(Int64(value)) }
    writer.writePointer()
    writer.write(UInt32(1))
    writer.writePointer()
    writer.write(UInt32(0))
    writer.write(UInt32(objects))
    writer.write(UInt32(1000))
    writer.writePointer(if: objects > 0)
    writer.write(UInt32(1))
    if version >= 6 {
      for _ in 0..<3 { writer.write(UInt32(0)) }
      writer.writePointer(if: false)
      writer.write(UInt32(0))
    }
    DSName(name: "DC=corp,DC=example").write(to: &writer)
    vector(version == 1 ? 1 : 2, &writer)
    writer.write(UInt32(1))
    writer.write(UInt32(9))
    writer.write(UInt32(AttributeType.prefix.count))
    writer.writePointer()
    writer.write(UInt32(AttributeType.prefix.count))
    writer.writeBytes(AttributeType.prefix)
    for index in 0..<objects {
      writer.writePointer(if: index < objects - 1)
      writer.writePointer()
      writer.write(UInt32(1))
      writer.write(UInt32(1))
      writer.writePointer()
      writer.write(UInt32(0))
      writer.writePointer(if: false)
      writer.writePointer()
    }
    for index in (0..<objects).reversed() { object("CN=U\(index),DC=corp,DC=example", &writer) }
    writer.write(UInt32(0))
    return writer.bytes
  }

  private static func object(_ name: String, _ writer: inout NDRWriter) {
    DSName(name: name).write(to: &writer)
    writer.write(UInt32(1))
    writer.write(AttributeType.unicodePwd.rawValue)
    writer.write(UInt32(1))
    writer.writePointer()
    writer.write(UInt32(1))
    writer.write(UInt32(3))
    writer.writePointer()
    writer.write(UInt32(3))
    writer.writeBytes([1, 2, 3])
    writer.write(UInt32(1))
    writer.align(8)
    writer.write(UInt32(1))
    writer.align(8)
    writer.write(UInt32(17))
    writer.write(Int64(133))
    writer.write(GUID(words: 5, 6))
    writer.write(Int64(4711))
  }

  private static func vector(_ version: UInt32, _ writer: inout NDRWriter) {
    writer.write(UInt32(1))
    writer.align(8)
    for value in [version, 0, 1, 0] { writer.write(value) }
    writer.write(GUID(words: 7, 8))
    writer.write(Int64(99))
    if version == 2 { writer.write(Int64(0)) }
  }

  static var domain: [UInt8] {
    var writer = NDRWriter()
    writer.writePointer()
    writer.write(UInt16(12))
    for text in ["CORP", "corp.example", "corp.example"] { writer.writeHeader(of: text) }
    writer.write(GUID.zero)
    writer.writePointer(if: sid != nil)
    for text in ["CORP", "corp.example", "corp.example"] { writer.writeText(of: text) }
    if let sid {
      writer.align(4)
      writer.write(sid)
    }
    writer.write(UInt32(0))
    return writer.bytes
  }

  static var trusts: [UInt8] {
    var writer = NDRWriter()
    writer.write(UInt32(1))
    writer.write(UInt32(1))
    writer.writePointer()
    writer.write(UInt32(1))
    writer.writeHeader(of: "other.example")
    writer.writeHeader(of: "OTHER")
    writer.writePointer(if: sid != nil)
    for value in [3, 2, 8] as [UInt32] { writer.write(value) }
    writer.writeText(of: "other.example")
    writer.writeText(of: "OTHER")
    if let sid {
      writer.align(4)
      writer.write(sid)
    }
    writer.write(UInt32(0))
    return writer.bytes
  }

  static var names: [UInt8] {
    var writer = NDRWriter()
    writer.writePointer()
    writer.write(UInt32(1))
    writer.writePointer()
    writer.write(UInt32(32))
    writer.write(UInt32(1))
    writer.writeHeader(of: "CORP")
    writer.writePointer(if: false)
    writer.writeText(of: "CORP")
    writer.write(UInt32(1))
    writer.writePointer()
    writer.write(UInt32(1))
    writer.write(UInt16(1))
    writer.writeHeader(of: "anna")
    writer.write(Int32(0))
    writer.writeText(of: "anna")
    writer.write(UInt32(1))
    writer.write(UInt32(0))
    return writer.bytes
  }
}
