// SPDX-License-Identifier: Apache-2.0

import WCF

/// A SOAP 1.2 fault (part 1, 5.4) with the details that the service gives:
/// ```
/// <s:Fault>
///   <s:Code><s:Value>s:Sender</s:Value></s:Code>
///   <s:Reason><s:Text xml:lang="en-US">…</s:Text></s:Reason>
///   <s:Detail>
///     <AdminWebServiceFault><ErrorCode/><ErrorDescription/></AdminWebServiceFault>
///     <BindingRedirectionFault><Url/></BindingRedirectionFault>      or one of the two
///   </s:Detail>
/// </s:Fault>
/// ```
/// Of the details, public clients read `ErrorDescription` wherever it stands, and `BindingRedirectionFault/Url`.
package struct SyncFault: Sendable, Hashable {
  package enum Party: String, Sendable {
    /// The request is at fault.
    case sender = "Sender"
    case receiver = "Receiver"
  }

  package var party: Party
  package var reason: String
  /// The service's word for what happened.
  package var code: String?
  package var description: String?
  /// Where the client shall go instead.
  package var redirect: String?

  package init(
    _ party: Party, _ reason: String, code: String? = nil, description: String? = nil, redirect: String? = nil
  ) {
    self.party = party
    self.reason = reason
    self.code = code
    self.description = description
    self.redirect = redirect
  }

  /// On one line, shortened.
  package var summary: String {
    let words = [code, description ?? reason].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
    let text = words.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) }
    return text.isEmpty ? "it gave no reason." : String(text.prefix(SyncAPILimits.shownText))
  }

  // MARK: Reading

  /// - Parameter reader: within the fault.
  init(_ reader: inout MessageReader) throws(SyncAPIError) {
    self.init(.receiver, "")
    while let part = try reader.child() {
      switch part.name {
      case "Code":
        while let value = try reader.child() {
          if value.name == "Value" {
            if try reader.text().hasSuffix("Sender") { party = .sender }
          } else {
            try reader.skip()
          }
        }
      case "Reason":
        while let text = try reader.child() {
          let words = try reader.text()
          if text.name == "Text", reason.isEmpty { reason = words }
        }
      case "Detail": try readDetail(&reader)
      default: try reader.skip()
      }
    }
  }

  private mutating func readDetail(_ reader: inout MessageReader) throws(SyncAPIError) {
    while let fault = try reader.child() {
      while let member = try reader.child() {
        switch (fault.name, member.name) {
        case ("BindingRedirectionFault", "Url"): redirect = try reader.text(of: member)
        case (_, "ErrorCode"): code = try reader.text(of: member)
        case (_, "ErrorDescription"): description = try reader.text(of: member)
        default: try reader.skip()
        }
      }
    }
  }

  // MARK: Writing

  func write(_ writer: inout MessageWriter) {
    writer.element(.soap("Fault")) { writer in
      writer.element(.soap("Code")) { $0.leaf(.soap("Value"), "s:\(party.rawValue)") }
      writer.element(.soap("Reason")) { writer in
        writer.leaf(.soap("Text"), reason, [.attribute(.init("xml", "lang"), "en-US")])
      }
      writer.element(.soap("Detail")) { writer in
        if let redirect {
          writer.element(.plain("BindingRedirectionFault"), [.namespace(prefix: "", uri: Namespace.change)]) { writer in
            writer.leaf(.plain("Url"), redirect)
          }
        }
        if code != nil || description != nil {
          writer.element(
            .plain("AdminWebServiceFault"), [.namespace(prefix: "", uri: Namespace.change), .instance]
          ) { writer in
            writer.leaf(.plain("ErrorCode"), optional: code)
            writer.leaf(.plain("ErrorDescription"), optional: description ?? reason)
          }
        }
      }
    }
  }
}
