// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The directory replication service of a domain controller (MS-DRSR 4.1), as a client that holds no replica itself.
package struct DRSClient: Sendable {
  let association: RPCAssociation
  let handle: ContextHandle
  /// What the server can do.
  package let server: DRSExtensions

  /// MS-DRSR 5.138 `NTDSAPI_CLIENT_GUID`: e24d201a-4fd6-11d1-a3da-0000f875ae0d, a client that is no domain controller.
  private static let clientGUID = GUID(words: 0x1a20_4de2_d64f_d111, 0xa3da_0000_f875_ae0d)

  /// `IDL_DRSBind`, operation 0 (4.1.3).
  ///
  ///     ULONG IDL_DRSBind([in] handle_t rpc_handle, [in, unique] UUID* puuidClientDsa,
  ///       [in, unique] DRS_EXTENSIONS* pextClient, [out] DRS_EXTENSIONS** ppextServer, [out, ref] DRS_HANDLE* phDrs);
  ///
  /// - Parameter association: a sealed one with ``RPCInterface/drsuapi``.
  package static func bind(_ association: RPCAssociation) async throws -> DRSClient {
    var writer = NDRWriter()
    writer.writePointer()
    writer.write(clientGUID)
    writer.writePointer()
    let extensions = DRSExtensions.own.encoded
    writer.write(UInt32(extensions.count))
    writer.write(UInt32(extensions.count))
    writer.writeBytes(extensions)
    let answer = try await association.call(0, "DRSBind", writer.bytes)
    return try read("DRSBind", from: association, answer) { reader throws(ByteError) in
      var server = DRSExtensions(flags: [])
      if try reader.readPointer() {
        let count = try reader.readCount(elementSize: 1)
        let length = try reader.read(UInt32.self)
        guard count == Int(length) else {
          throw .malformed(offset: reader.position, reason: "extensions of \(length) bytes in \(count)")
        }
        server = try DRSExtensions(reader.readBytes(count))
      }
      return DRSClient(association: association, handle: try ContextHandle(&reader), server: server)
    }
  }

  /// `IDL_DRSUnbind`, operation 1 (4.1.25): gives the handle back.
  package func unbind() async throws {
    var writer = NDRWriter()
    handle.write(to: &writer)
    let answer = try await association.call(1, "DRSUnbind", writer.bytes)
    try Self.read("DRSUnbind", from: association, answer) { reader throws(ByteError) in _ = try ContextHandle(&reader) }
  }

  /// The key under which secrets in replies are encrypted once more.
  package func sessionKey() async throws -> SecretBytes { try await association.sessionKey() }

  /// Reads an answer; its last four bytes are the procedure's WERROR, which comes first: a failure leaves the rest without
  /// meaning.
  static func read<R>(
    _ operation: String, from association: RPCAssociation, _ answer: [UInt8],
    _ body: (inout NDRReader) throws(ByteError) -> R
  ) throws(RPCError) -> R {
    do {
      var reader = NDRReader(answer)
      let code = try reader.result()
      guard code == 0 else { throw WindowsError.error(code, peer: association.peer, operation: operation) }
      return try body(&reader)
    } catch let error as RPCError {
      throw error
    } catch {
      throw RPCError.malformed(association.peer, "the answer of \(operation) is \(error)")
    }
  }
}
