// SPDX-License-Identifier: Apache-2.0

import XML

/// DSP0226 11 `wsmid:Identify`: what a service is.
package enum Identify {
  /// The namespace of `wsmid`. MS-WSMV 2.2.1 prints `identify` in its path, DSP0226 and every service write `identity`; both
  /// are understood.
  static let namespace = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
  static let namespaces = [namespace, "http://schemas.dmtf.org/wbem/wsman/identify/1/wsmanidentity.xsd"]

  /// The request, without any header block (DSP0226 11).
  package static let request = Array(
    SOAPEnvelope.text(
      namespaces: ["wsmid": namespace], body: "<wsmid:Identify/>"
    ).utf8)
}

/// DSP0226 11 `wsmid:IdentifyResponse`; MS-WSMV 3.1.4.1.23.
package struct IdentifyResponse: Sendable, Hashable {
  /// `ProtocolVersion`, a URI each.
  package var protocolVersions: [String]
  package var productVendor: String
  /// On Windows `OS: 10.0.20348 SP: 0.0 Stack: 3.0`; zeros for whoever has not signed in.
  package var productVersion: String
  /// `SecurityProfileName`, only for whoever has signed in.
  package var securityProfiles: [String]

  /// The longest text that is kept of an element.
  private static let maximumText = 200

  /// - Throws: ``WSManagementError`` with code `malformed`, or what the fault in its place says.
  package init(_ message: [UInt8]) throws(WSManagementError) {
    let body = try SOAPEnvelope.body(of: message)
    for namespace in Identify.namespaces {
      guard let response = body.first(namespace, "IdentifyResponse") else { continue }
      let text: (XMLElement) -> String = { String($0.trimmedText.prefix(Self.maximumText)) }
      protocolVersions = response.all(namespace, "ProtocolVersion").map(text)
      productVendor = response.first(namespace, "ProductVendor").map(text) ?? ""
      productVersion = response.first(namespace, "ProductVersion").map(text) ?? ""
      securityProfiles =
        response.first(namespace, "SecurityProfiles")?.all(namespace, "SecurityProfileName").map(text) ?? []
      guard !protocolVersions.isEmpty else { break }
      return
    }
    throw WSManagementError(.malformed, "The answer is no IdentifyResponse (DSP0226 11).")
  }
}
