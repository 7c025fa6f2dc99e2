// SPDX-License-Identifier: Apache-2.0

import Wire

/// How a service is reached: a stack of protocols, interface first (C706 appendix L).
///
/// Each floor is two counted byte strings: the protocol's identifier with what is related to it, and an address. Counts
/// and versions are little-endian, TCP ports and IP addresses in network order (appendix I).
struct Tower: Hashable {
  struct Floor: Hashable {
    var identifier: [UInt8]
    var address: [UInt8]
  }

  /// Appendix I: protocol identifiers.
  private static let uuid: UInt8 = 0x0d
  private static let connectionOriented: UInt8 = 0x0b
  private static let tcp: UInt8 = 0x07
  private static let ip: UInt8 = 0x09

  var floors: [Floor]

  /// The question for an interface over TCP, with address and port left open.
  init(of interface: SyntaxIdentifier) {
    floors = [
      Self.floor(interface), Self.floor(.ndr), Floor(identifier: [Self.connectionOriented], address: [0, 0]),
      Floor(identifier: [Self.tcp], address: [0, 135]), Floor(identifier: [Self.ip], address: [0, 0, 0, 0]),
    ]
  }

  private static func floor(_ syntax: SyntaxIdentifier) -> Floor {
    var (identifier, version) = (ByteWriter(), ByteWriter())
    identifier.write([uuid])
    identifier.write(syntax.uuid.bytes)
    identifier.writeLittleEndian(syntax.major)
    version.writeLittleEndian(syntax.minor)
    return Floor(identifier: identifier.bytes, address: version.bytes)
  }

  init(_ bytes: [UInt8]) throws(ByteError) {
    var reader = ByteReader(bytes)
    let count = try reader.readLittleEndian(UInt16.self)
    floors = []
    for _ in 0..<count {
      let identifier = try reader.read(Int(try reader.readLittleEndian(UInt16.self)))
      let address = try reader.read(Int(try reader.readLittleEndian(UInt16.self)))
      floors.append(Floor(identifier: identifier, address: address))
    }
  }

  var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.writeLittleEndian(UInt16(clamping: floors.count))
    for floor in floors {
      writer.writeLittleEndian(UInt16(clamping: floor.identifier.count))
      writer.write(floor.identifier)
      writer.writeLittleEndian(UInt16(clamping: floor.address.count))
      writer.write(floor.address)
    }
    return writer.bytes
  }

  /// The TCP port and the IPv4 address; nil for another protocol (pipes, UDP, HTTP).
  var endpoint: Endpoint? {
    guard let port = floors.first(where: { $0.identifier.first == Self.tcp })?.address, port.count == 2 else {
      return nil
    }
    let address = floors.first { $0.identifier.first == Self.ip }?.address ?? []
    let text = address.count == 4 ? address.map { String($0) }.joined(separator: ".") : ""
    return Endpoint(host: text, port: Int(port[0]) << 8 | Int(port[1]))
  }
}
