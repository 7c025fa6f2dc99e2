// SPDX-License-Identifier: Apache-2.0

import WCF
package import Wire

/// The header of a request: WS-Addressing, and the token that the service asks for instead of an `Authorization` field.
/// ```
/// <s:Header>
///   <a:Action s:mustUnderstand="1">…/IProvisioningWebService/<operation></a:Action>
///   <SyncToken s:role="urn:…" xmlns="urn:microsoft.online.administrativeservice">
///     <ApplicationId/> <BearerToken/> <ClientVersion/> <DirSyncBuildNumber/> … <TrackingId/>
///   </SyncToken>
///   <a:MessageID/> <a:ReplyTo><a:Address/></a:ReplyTo> <a:To s:mustUnderstand="1"/>
/// </s:Header>
/// ```
package struct RequestHeader: Sendable {
  package var operation: String
  package var token: SecretBytes
  /// `urn:uuid:…`.
  package var messageID: String
  /// The service's URL.
  package var to: String

  package init(operation: String, token: SecretBytes, messageID: String, to: String) {
    self.operation = operation
    self.token = token
    self.messageID = messageID
    self.to = to
  }

  // MARK: Reading

  /// - Parameter reader: within the header.
  init(_ reader: inout MessageReader) throws(SyncAPIError) {
    var (action, token, message, to) = (String?.none, SecretBytes?.none, "", "")
    while let part = try reader.child() {
      switch (part.namespace, part.name) {
      case (Namespace.addressing, "Action"): action = try reader.text()
      case (Namespace.addressing, "MessageID"): message = try reader.text()
      case (Namespace.addressing, "To"): to = try reader.text()
      case (Namespace.service, "SyncToken"):
        while let member = try reader.child() {
          if member.name == "BearerToken" {
            token = SecretBytes(Array(try reader.text().utf8))
          } else {
            try reader.skip()
          }
        }
      default: try reader.skip()
      }
    }
    guard let action, action.hasPrefix(SyncEndpoint.action("")) else {
      throw MessageReader.malformed("its wsa:Action is of another service")
    }
    operation = String(action.dropFirst(SyncEndpoint.action("").count))
    self.token = token ?? SecretBytes([])
    messageID = message
    self.to = to
  }

  // MARK: Writing

  /// What Entra Connect says about itself. The service keeps out versions that it does not know, so that other clients name
  /// the same: these are the numbers that public clients send.
  static let applicationID = "1651564e-7ce4-4d99-88be-0a65050d8dc3"
  static let clientVersion = "8.0"
  package static let buildNumber = "2.4.21.0"

  func write(_ writer: inout MessageWriter) {
    let mustUnderstand = BinaryAttribute.attribute(.soap("mustUnderstand"), "1")
    writer.element(.soap("Header")) { writer in
      writer.leaf(.addressing("Action"), SyncEndpoint.action(operation), [mustUnderstand])
      writer.element(
        .plain("SyncToken"),
        [.attribute(.soap("role"), Namespace.service), .namespace(prefix: "", uri: Namespace.service), .instance]
      ) { writer in
        let parts = [
          ("ApplicationId", Self.applicationID),
          ("BearerToken", token.withBytes { String(decoding: $0, as: UTF8.self) }),
          ("ClientVersion", Self.clientVersion), ("DirSyncBuildNumber", Self.buildNumber),
          ("FIMBuildNumber", Self.buildNumber), ("IsInstalledOnDC", "false"),
          ("IssueDateTime", "0001-01-01T00:00:00"), ("LanguageId", "en-US"), ("LiveToken", ""),
          ("ProtocolVersion", "2.0"), ("RichCoexistenceEnabled", "false"),
          ("TrackingId", messageID.split(separator: ":").last.map(String.init) ?? ""),
        ]
        for (name, value) in parts {
          writer.leaf(.plain(name), value, [.namespace(prefix: "", uri: Namespace.change)])
        }
      }
      writer.leaf(.addressing("MessageID"), messageID)
      writer.element(.addressing("ReplyTo")) { $0.leaf(.addressing("Address"), "\(Namespace.addressing)/anonymous") }
      writer.leaf(.addressing("To"), to, [mustUnderstand])
    }
  }
}
