// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The body of bind and of alter_context (C706 12.6.4.3, 12.6.4.1).
///
///     u_int16 max_xmit_frag;        /* 16:02 max transmit frag size */
///     u_int16 max_recv_frag;        /* 18:02 max receive frag size */
///     u_int32 assoc_group_id;       /* 20:04 */
///     p_cont_list_t p_context_elem; /* variable size */
package struct BindPDU: Sendable, Hashable {
  /// C706 12.6.3.1 `p_cont_elem_t`.
  package struct Context: Sendable, Hashable {
    package var id: UInt16
    package var abstractSyntax: SyntaxIdentifier
    package var transferSyntaxes: [SyntaxIdentifier]

    package init(id: UInt16, abstractSyntax: SyntaxIdentifier, transferSyntaxes: [SyntaxIdentifier] = [.ndr]) {
      self.id = id
      self.abstractSyntax = abstractSyntax
      self.transferSyntaxes = transferSyntaxes
    }
  }

  package var maximumSent: UInt16
  package var maximumReceived: UInt16
  package var groupID: UInt32
  package var contexts: [Context]

  package init(
    maximumSent: UInt16 = UInt16(RPCLimits.fragment), maximumReceived: UInt16 = UInt16(RPCLimits.fragment),
    groupID: UInt32 = 0, contexts: [Context]
  ) {
    self.maximumSent = maximumSent
    self.maximumReceived = maximumReceived
    self.groupID = groupID
    self.contexts = contexts
  }

  package init(_ body: [UInt8]) throws(ByteError) {
    var reader = ByteReader(body)
    maximumSent = try reader.readLittleEndian()
    maximumReceived = try reader.readLittleEndian()
    groupID = try reader.readLittleEndian()
    let count = try reader.readByte()
    try reader.skip(3)
    contexts = []
    for _ in 0..<count {
      let id: UInt16 = try reader.readLittleEndian()
      let syntaxes = try reader.readByte()
      try reader.skip(1)
      var context = Context(id: id, abstractSyntax: try SyntaxIdentifier(&reader), transferSyntaxes: [])
      for _ in 0..<syntaxes { context.transferSyntaxes.append(try SyntaxIdentifier(&reader)) }
      contexts.append(context)
    }
  }

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.writeLittleEndian(maximumSent)
    writer.writeLittleEndian(maximumReceived)
    writer.writeLittleEndian(groupID)
    writer.write([UInt8(clamping: contexts.count), 0, 0, 0])
    for context in contexts {
      writer.writeLittleEndian(context.id)
      writer.write([UInt8(clamping: context.transferSyntaxes.count), 0])
      context.abstractSyntax.write(to: &writer)
      for syntax in context.transferSyntaxes { syntax.write(to: &writer) }
    }
    return writer.bytes
  }
}
