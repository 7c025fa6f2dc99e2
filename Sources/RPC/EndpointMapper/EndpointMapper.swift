// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Asks a server's endpoint mapper where its interfaces are (C706 appendix O; MS-RPCE 2.2.1.2).
package struct EndpointMapper: Sendable {
  /// C706 appendix O: `ept_s_not_registered`.
  static let notRegistered: UInt32 = 0x16c9_a0d6

  private let association: RPCAssociation

  /// - Parameter association: one with ``RPCInterface/endpointMapper``, which needs no authentication.
  package init(_ association: RPCAssociation) { self.association = association }

  /// `ept_map`, operation 3: the TCP endpoints of an interface, in the server's order; the mapper's address is empty where
  /// it names none (it may name one that is not reachable from here: connect to the address that you know).
  ///
  ///     void ept_map(
  ///       [in] handle_t h, [in, ptr] uuid_p_t object, [in, ptr] twr_p_t map_tower,
  ///       [in, out] ept_lookup_handle_t *entry_handle, [in] unsigned32 max_towers, [out] unsigned32 *num_towers,
  ///       [out, length_is(*num_towers), size_is(max_towers)] twr_p_t *towers, [out] error_status_t *status);
  package func endpoints(of interface: RPCInterface) async throws -> [Endpoint] {
    var writer = NDRWriter()
    writer.writePointer(if: false)
    writer.writePointer()
    let tower = Tower(of: interface.syntax).encoded
    writer.write(UInt32(tower.count))
    writer.write(UInt32(tower.count))
    writer.writeBytes(tower)
    ContextHandle.null.write(to: &writer)
    writer.write(RPCLimits.towers)
    let answer = try await association.call(3, "ept_map", writer.bytes)
    let (towers, status): ([Tower], UInt32)
    do {
      (towers, status) = try Self.read(answer)
    } catch {
      throw RPCError.malformed(association.peer, "the answer of ept_map is \(error)")
    }
    let endpoints = towers.compactMap(\.endpoint).filter { $0.port > 0 }
    guard status == 0 || status == Self.notRegistered else {
      throw RPCError(
        .refused, "\(association.peer) refuses to tell where \(interface) is: \(StatusRow.hexadecimal(status)).",
        remedy: "Look into the server's log.", status: status)
    }
    guard !endpoints.isEmpty else {
      throw RPCError(
        .notRegistered, "\(association.peer) runs no \(interface) over TCP: its endpoint mapper does not know it.",
        remedy: "Check that this server is a domain controller and that its directory service runs.",
        status: Self.notRegistered)
    }
    return endpoints
  }

  static func read(_ answer: [UInt8]) throws(ByteError) -> ([Tower], UInt32) {
    var reader = NDRReader(answer)
    _ = try ContextHandle(&reader)
    let announced = try reader.read(UInt32.self)
    let count = try reader.readVaryingCount(elementSize: 4)
    guard count == Int(announced), count <= Int(RPCLimits.towers) else {
      throw .malformed(offset: reader.position, reason: "\(count) towers, \(announced) announced")
    }
    var present: [Bool] = []
    for _ in 0..<count { present.append(try reader.readPointer()) }
    var towers: [Tower] = []
    for _ in present.filter({ $0 }) {
      let size = try reader.readCount(elementSize: 1)
      let length = try reader.read(UInt32.self)
      guard size == Int(length), size <= RPCLimits.tower else {
        throw .malformed(offset: reader.position, reason: "a tower of \(length) bytes in \(size)")
      }
      towers.append(try Tower(try reader.readBytes(size)))
    }
    return (towers, try reader.read())
  }
}
