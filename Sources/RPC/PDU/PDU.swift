// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Any PDU of the connection-oriented protocol, its body read (C706 12.6.4, MS-RPCE 2.2.2).
package enum PDU: Sendable, Hashable {
  case bind(BindPDU)
  case bindAck(BindAckPDU)
  case bindNak(BindNakPDU)
  case alterContext(BindPDU)
  case alterContextResponse(BindAckPDU)
  /// MS-RPCE 2.2.2.10: four bytes of padding and the handshake's last token, in the trailer.
  case auth3
  case request(RequestPDU)
  case response(ResponsePDU)
  case fault(FaultPDU)
  // C706 12.6.4.11, 12.6.4.6 and 12.6.4.8 have no body.
  case shutdown
  case cancel
  case orphaned

  /// Reads the body of a fragment that is not sealed, or no longer.
  package init(_ fragment: Fragment) throws(ByteError) {
    let body = fragment.body
    switch fragment.header.type {
    case .bind: self = .bind(try BindPDU(body))
    case .bindAck: self = .bindAck(try BindAckPDU(body))
    case .bindNak: self = .bindNak(try BindNakPDU(body))
    case .alterContext: self = .alterContext(try BindPDU(body))
    case .alterContextResponse: self = .alterContextResponse(try BindAckPDU(body))
    case .auth3: self = .auth3
    case .request: self = .request(try RequestPDU(body, flags: fragment.header.flags))
    case .response: self = .response(try ResponsePDU(body))
    case .fault: self = .fault(try FaultPDU(body))
    case .shutdown: self = .shutdown
    case .cancel: self = .cancel
    case .orphaned: self = .orphaned
    }
  }

  package var type: PDUType {
    switch self {
    case .bind: .bind
    case .bindAck: .bindAck
    case .bindNak: .bindNak
    case .alterContext: .alterContext
    case .alterContextResponse: .alterContextResponse
    case .auth3: .auth3
    case .request: .request
    case .response: .response
    case .fault: .fault
    case .shutdown: .shutdown
    case .cancel: .cancel
    case .orphaned: .orphaned
    }
  }

  package var body: [UInt8] {
    switch self {
    case .bind(let body), .alterContext(let body): body.encoded
    case .bindAck(let body), .alterContextResponse(let body): body.encoded
    case .bindNak(let body): body.encoded
    case .auth3: [0, 0, 0, 0]
    case .request(let body): body.encoded
    case .response(let body): body.encoded
    case .fault(let body): body.encoded
    case .shutdown, .cancel, .orphaned: []
    }
  }
}
