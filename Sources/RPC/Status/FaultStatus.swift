// SPDX-License-Identifier: Apache-2.0

import Wire

/// The status of a fault in words (C706 appendix E, MS-RPCE 2.2.2.6, MS-ERREF 2.2).
enum FaultStatus {
  /// 5: Windows answers so where the account may not call at all, and where it refuses the security of a message.
  static let accessDenied: UInt32 = 5

  private static let rows: [UInt32: StatusRow] = [
    accessDenied: StatusRow(
      name: "rpc_s_access_denied",
      words: "the account may not call this, or the server does not accept the connection's security",
      remedy: "Check the account's rights on the server, and that nothing between here and there changes messages."),
    0x0000_0721: StatusRow(
      name: "rpc_s_sec_pkg_error", words: "the server cannot verify the security of the message",
      remedy: "Compare the clocks, and check that nothing between here and there changes messages."),
    0x0000_06f7: StatusRow(
      name: "nca_s_fault_ndr", words: "the server cannot decode the request",
      remedy: "Report this with the server's version."),
    0x1c01_0002: StatusRow(name: "nca_s_op_rng_error", words: "the server's interface has no such procedure"),
    0x1c01_0003: StatusRow(name: "nca_s_unk_if", words: "the server does not know the interface"),
    0x1c01_000b: StatusRow(name: "nca_s_proto_error", words: "the server sees a violation of the protocol"),
    0x1c01_0013: StatusRow(name: "nca_s_out_args_too_big", words: "the answer is larger than the server sends"),
    0x1c01_0014: StatusRow(
      name: "nca_s_server_too_busy", words: "the server is too busy", remedy: "Try again later."),
    0x1c01_0017: StatusRow(name: "nca_s_unsupported_type", words: "the server does not know the object's type"),
    0x1c00_0006: StatusRow(name: "nca_s_fault_invalid_tag", words: "the server cannot decode the request"),
    0x1c00_000d: StatusRow(name: "nca_s_fault_cancel", words: "the call was cancelled"),
    0x1c00_0012: StatusRow(name: "nca_s_fault_unspec", words: "the procedure failed inside the server"),
    0x1c00_001a: StatusRow(
      name: "nca_s_fault_context_mismatch", words: "the server no longer knows the handle", remedy: "Connect again."),
    0x1c00_001b: StatusRow(
      name: "nca_s_fault_remote_no_memory", words: "the server is out of memory", remedy: "Try again later."),
  ]

  static func error(_ status: UInt32, peer: String, operation: String) -> RPCError {
    let row = rows[status] ?? StatusRow(name: "", words: "a failure inside the server")
    let name = row.name.isEmpty ? StatusRow.hexadecimal(status) : "\(row.name), \(StatusRow.hexadecimal(status))"
    return RPCError(
      .fault, "\(peer) answered \(operation) with a fault: \(row.words) (\(name)).", remedy: row.remedy, status: status)
  }
}
