// SPDX-License-Identifier: Apache-2.0

import WCF

/// What the service knows of a forest's domain for Kerberos. Of the members, only the question's `dnsDomainName` is known from
/// public clients; the others have the names that `Get-AzureADKerberosServer` shows. No key is among them: how the service
/// wants keys encrypted was never published.
package struct KerberosDomain: Sendable, Hashable {
  package var dnsDomainName: String
  package var displayName: String?
  /// A GUID.
  package var id: String?
  package var keyVersion: Int64?
  /// `xsd:dateTime`.
  package var keyUpdatedOn: String?

  package init(
    dnsDomainName: String, displayName: String? = nil, id: String? = nil, keyVersion: Int64? = nil,
    keyUpdatedOn: String? = nil
  ) {
    self.dnsDomainName = dnsDomainName
    self.displayName = displayName
    self.id = id
    self.keyVersion = keyVersion
    self.keyUpdatedOn = keyUpdatedOn
  }

  func write(_ writer: inout MessageWriter) {
    writer.leaf(.plain("displayName"), optional: displayName)
    writer.leaf(.plain("dnsDomainName"), dnsDomainName)
    writer.leaf(.plain("id"), optional: id)
    writer.leaf(.plain("keyUpdatedOn"), optional: keyUpdatedOn)
    writer.leaf(.plain("keyVersion"), optional: keyVersion.map { String($0) })
  }

  /// - Parameter reader: within the domain.
  init(_ reader: inout MessageReader) throws(SyncAPIError) {
    self.init(dnsDomainName: "")
    while let part = try reader.child() {
      switch part.name.lowercased() {
      case "dnsdomainname": dnsDomainName = try reader.text()
      case "displayname": displayName = try reader.text(of: part)
      case "id": id = try reader.text(of: part)
      case "keyupdatedon": keyUpdatedOn = try reader.text(of: part)
      case "keyversion":
        if let text = try reader.text(of: part), !text.isEmpty {
          guard let number = Int64(text) else { throw MessageReader.malformed("keyVersion is no number") }
          keyVersion = number
        }
      default: try reader.skip()
      }
    }
  }
}

/// `GetKerberosDomain`.
package struct GetKerberosDomain: SyncCall {
  package static let operation = "GetKerberosDomain"

  package var name: String

  package init(_ name: String) { self.name = name }

  package func write(_ writer: inout MessageWriter) { writer.leaf(.plain("dnsDomainName"), name) }

  package init(_ reader: inout MessageReader, _ element: MessageReader.Element) throws(SyncAPIError) {
    name = ""
    while let part = try reader.child() {
      if part.name == "dnsDomainName" { name = try reader.text() } else { try reader.skip() }
    }
  }

  /// Nil when the service knows no such domain.
  package static func write(_ answer: KerberosDomain?, _ writer: inout MessageWriter) { answer?.write(&writer) }

  package static func read(
    _ reader: inout MessageReader, _ result: MessageReader.Element
  ) throws(SyncAPIError) -> KerberosDomain? {
    let domain = try KerberosDomain(&reader)
    return domain.dnsDomainName.isEmpty ? nil : domain
  }

  package static func answerWithoutResult() throws(SyncAPIError) -> KerberosDomain? { nil }
}

/// `SetKerberosDomain`.
package struct SetKerberosDomain: SyncCommand {
  package static let operation = "SetKerberosDomain"

  package var domain: KerberosDomain

  package init(_ domain: KerberosDomain) { self.domain = domain }

  package func write(_ writer: inout MessageWriter) {
    writer.element(.plain("kerberosDomain"), [.instance]) { domain.write(&$0) }
  }

  package init(_ reader: inout MessageReader, _ element: MessageReader.Element) throws(SyncAPIError) {
    var domain: KerberosDomain?
    while let part = try reader.child() {
      if part.name == "kerberosDomain" { domain = try KerberosDomain(&reader) } else { try reader.skip() }
    }
    guard let domain, !domain.dnsDomainName.isEmpty else { throw MessageReader.malformed("no domain is named") }
    self.domain = domain
  }
}
