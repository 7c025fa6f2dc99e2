// SPDX-License-Identifier: Apache-2.0

import XML

/// SOAP 1.2 as WS-Management uses it (DSP0226 5, SOAP 1.2 Part 1, 5).
enum SOAPEnvelope {
  static let namespace = "http://www.w3.org/2003/05/soap-envelope"
  static let contentType = "application/soap+xml;charset=UTF-8"

  /// - Parameters:
  ///   - namespaces: prefixes beside `s`.
  ///   - body: already escaped.
  static func text(namespaces: KeyValuePairs<String, String>, header: String = "", body: String) -> String {
    let declarations = namespaces.map { " xmlns:\($0.key)=\"\($0.value)\"" }.joined()
    return "<s:Envelope xmlns:s=\"\(namespace)\"\(declarations)><s:Header>\(header)</s:Header><s:Body>\(body)</s:Body>"
      + "</s:Envelope>"
  }

  /// - Throws: ``WSManagementError`` with code `malformed`, `denied` or `fault`.
  static func body(of message: [UInt8]) throws(WSManagementError) -> XMLElement {
    let envelope: XMLElement
    do throws(XMLError) {
      envelope = try XMLDocument.parse(message)
    } catch {
      throw WSManagementError(.malformed, "The answer is no SOAP message. \(error.message)")
    }
    guard envelope.name == XMLElement.Name(namespace, "Envelope"), let body = envelope.first(namespace, "Body") else {
      throw WSManagementError(.malformed, "The answer is a document <\(envelope.name.local.prefix(40))>, not SOAP 1.2.")
    }
    if let fault = body.first(namespace, "Fault") { throw refusal(fault) }
    return body
  }

  /// SOAP 1.2 Part 1, 5.4: code, subcode and the reason's text.
  private static func refusal(_ fault: XMLElement) -> WSManagementError {
    let code = fault.first(namespace, "Code")
    let subcode = code?.first(namespace, "Subcode")?.first(namespace, "Value")?.trimmedText
    let value = subcode ?? code?.first(namespace, "Value")?.trimmedText ?? "no code"
    let reason = fault.first(namespace, "Reason")?.first(namespace, "Text")?.trimmedText ?? ""
    let isDenied = value.hasSuffix(":AccessDenied") || value == "AccessDenied"
    return WSManagementError(
      isDenied ? .denied : .fault,
      "The service answered with the fault \(value.prefix(100))\(reason.isEmpty ? "" : ": \(reason.prefix(300))").")
  }
}
