// SPDX-License-Identifier: Apache-2.0

/// C706 12.6.4, table 12-1, and MS-RPCE 2.2.2.10 (`rpc_auth_3`): `PTYPE` of the connection-oriented protocol.
package enum PDUType: UInt8, Sendable, CaseIterable {
  case request = 0
  case response = 2
  case fault = 3
  case bind = 11
  case bindAck = 12
  case bindNak = 13
  case alterContext = 14
  case alterContextResponse = 15
  case auth3 = 16
  case shutdown = 17
  case cancel = 18
  case orphaned = 19

  /// The specification's name, for messages.
  var name: String {
    switch self {
    case .request: "request"
    case .response: "response"
    case .fault: "fault"
    case .bind: "bind"
    case .bindAck: "bind_ack"
    case .bindNak: "bind_nak"
    case .alterContext: "alter_context"
    case .alterContextResponse: "alter_context_resp"
    case .auth3: "rpc_auth_3"
    case .shutdown: "shutdown"
    case .cancel: "co_cancel"
    case .orphaned: "orphaned"
    }
  }
}

/// C706 12.6.3.1: `pfc_flags`. MS-RPCE 2.2.2.3 gives 0x04 its second meaning, in bind, alter_context and their answers.
package struct PDUFlags: OptionSet, Sendable, Hashable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let first = PDUFlags(rawValue: 0x01)
  package static let last = PDUFlags(rawValue: 0x02)
  /// `PFC_SUPPORT_HEADER_SIGN`.
  package static let headerSigning = PDUFlags(rawValue: 0x04)
  /// `PFC_DID_NOT_EXECUTE`: a fault of a call that was not begun.
  package static let didNotExecute = PDUFlags(rawValue: 0x20)
  /// `PFC_OBJECT_UUID`: a request names an object.
  package static let object = PDUFlags(rawValue: 0x80)
  package static let whole: PDUFlags = [.first, .last]
}
