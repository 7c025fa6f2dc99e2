// SPDX-License-Identifier: Apache-2.0

import Wire

extension DRSClient {
  /// `IDL_DRSGetNCChanges`, operation 3 (MS-DRSR 4.1.10): one page of changes. Go on from ``ReplicationReply/next`` while
  /// there is more.
  ///
  ///     ULONG IDL_DRSGetNCChanges([in, ref] DRS_HANDLE hDrs, [in] DWORD dwInVersion,
  ///       [in, ref, switch_is(dwInVersion)] DRS_MSG_GETCHGREQ* pmsgIn, [out, ref] DWORD* pdwOutVersion,
  ///       [out, ref, switch_is(*pdwOutVersion)] DRS_MSG_GETCHGREPLY* pmsgOut);
  ///
  /// Needs the right DS-Replication-Get-Changes and, for secrets, DS-Replication-Get-Changes-All on the naming context's
  /// root; without them the server answers 8453.
  package func changes(_ request: ReplicationRequest) async throws -> ReplicationReply {
    guard server.flags.contains(.strongEncryption) || !request.attributes.contains(.unicodePwd) else {
      throw RPCError(
        .refused, "\(association.peer) cannot send secrets under strong encryption.",
        remedy: "Use a domain controller of Windows 2000 SP3 or newer, or of Samba.")
    }
    var writer = NDRWriter()
    handle.write(to: &writer)
    request.write(to: &writer, version: server.flags.contains(.requestV10) ? 10 : 8)
    let answer = try await association.call(3, "DRSGetNCChanges", writer.bytes)
    let reply = try Self.read("DRSGetNCChanges", from: association, answer) { reader throws(ByteError) in
      try ReplicationReply(&reader)
    }
    guard reply.error == 0 else {
      throw WindowsError.error(reply.error, peer: association.peer, operation: "DRSGetNCChanges")
    }
    guard request.operation == .changes || reply.extendedResult == 1 else {
      throw RPCError(
        .refused,
        "\(association.peer) refuses to replicate \(request.context.name) alone (result \(reply.extendedResult)).",
        remedy: "Check that the object exists and that the account may replicate it.", status: reply.extendedResult)
    }
    return reply
  }
}
