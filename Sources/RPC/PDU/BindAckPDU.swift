// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The body of bind_ack and of alter_context_resp (C706 12.6.4.4, 12.6.4.2).
///
///     u_int16 max_xmit_frag;        /* 16:02 */
///     u_int16 max_recv_frag;        /* 18:02 */
///     u_int32 assoc_group_id;       /* 20:04 */
///     port_any_t sec_addr;          /* 24:N secondary address, ignored in alter_context_resp */
///     u_int8 [size_is(align(4))] pad2;
///     p_result_list_t p_result_list;
package struct BindAckPDU: Sendable, Hashable {
  /// C706 12.6.3.1 `p_result_t`.
  package struct Result: Sendable, Hashable {
    /// 0 acceptance, 1 user rejection, 2 provider rejection, 3 MS-RPCE 2.2.2.4 `negotiate_ack`.
    package var result: UInt16
    /// For a provider's rejection: 1 abstract syntax not supported, 2 transfer syntaxes not supported, 3 local limit.
    package var reason: UInt16
    package var transferSyntax: SyntaxIdentifier

    package init(result: UInt16, reason: UInt16, transferSyntax: SyntaxIdentifier) {
      self.result = result
      self.reason = reason
      self.transferSyntax = transferSyntax
    }
  }

  package var maximumSent: UInt16
  package var maximumReceived: UInt16
  package var groupID: UInt32
  /// The service's address on the server: a port's number or a pipe's name.
  package var secondaryAddress: String
  package var results: [Result]

  package init(_ body: [UInt8]) throws(ByteError) {
    var reader = ByteReader(body)
    maximumSent = try reader.readLittleEndian()
    maximumReceived = try reader.readLittleEndian()
    groupID = try reader.readLittleEndian()
    let length = Int(try reader.readLittleEndian(UInt16.self))
    secondaryAddress = String(decoding: try reader.read(length).prefix { $0 != 0 }, as: UTF8.self)
    // The body begins at a multiple of four.
    if reader.position % 4 != 0 { try reader.skip(4 - reader.position % 4) }
    let count = Int(try reader.readByte())
    guard count <= RPCLimits.contexts else {
      throw .malformed(offset: reader.position, reason: "\(count) results of a bind")
    }
    try reader.skip(3)
    results = []
    for _ in 0..<count {
      results.append(
        Result(
          result: try reader.readLittleEndian(), reason: try reader.readLittleEndian(),
          transferSyntax: try SyntaxIdentifier(&reader)))
    }
  }

  package init(
    maximumSent: UInt16, maximumReceived: UInt16, groupID: UInt32, secondaryAddress: String, results: [Result]
  ) {
    self.maximumSent = maximumSent
    self.maximumReceived = maximumReceived
    self.groupID = groupID
    self.secondaryAddress = secondaryAddress
    self.results = results
  }

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.writeLittleEndian(maximumSent)
    writer.writeLittleEndian(maximumReceived)
    writer.writeLittleEndian(groupID)
    let address = secondaryAddress.isEmpty ? [] : Array(secondaryAddress.utf8) + [0]
    writer.writeLittleEndian(UInt16(clamping: address.count))
    writer.write(address)
    while writer.count % 4 != 0 { writer.write([0]) }
    writer.write([UInt8(clamping: results.count), 0, 0, 0])
    for result in results {
      writer.writeLittleEndian(result.result)
      writer.writeLittleEndian(result.reason)
      result.transferSyntax.write(to: &writer)
    }
    return writer.bytes
  }
}
