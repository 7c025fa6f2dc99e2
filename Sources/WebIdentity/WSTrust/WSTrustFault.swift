// SPDX-License-Identifier: Apache-2.0

import XML

/// Why no token is issued (WS-Trust 1.3, 11), as a SOAP 1.2 fault of the sender.
package struct WSTrustFault: Error, Sendable, Equatable {
  /// The fault codes of section 11 that a sign-in by password can lead to.
  package enum Code: String, Sendable {
    case invalidRequest = "InvalidRequest"
    case failedAuthentication = "FailedAuthentication"
    case requestFailed = "RequestFailed"
  }

  package let code: Code
  /// For people; it repeats nothing that the client sent.
  package let reason: String

  package init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  static func invalidRequest(_ reason: String) -> WSTrustFault { WSTrustFault(.invalidRequest, reason) }
  static func requestFailed(_ reason: String) -> WSTrustFault { WSTrustFault(.requestFailed, reason) }

  /// SOAP 1.2 part 2, 7.5.2.2: 400 for faults of the sender. Clients look for a fault that refuses them under 500, where AD FS
  /// has it.
  package var status: Int { code == .failedAuthentication ? 500 : 400 }

  package var xml: String {
    """
    <?xml version="1.0" encoding="utf-8"?>
    <s:Envelope xmlns:s="\(WSTrustNames.soap)" xmlns:t="\(WSTrustVersion.oasis13.namespace)"><s:Body><s:Fault>\
    <s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>t:\(code.rawValue)</s:Value></s:Subcode></s:Code>\
    <s:Reason><s:Text xml:lang="en">\(XMLElement.escape(reason))</s:Text></s:Reason>\
    </s:Fault></s:Body></s:Envelope>
    """
  }
}
