// SPDX-License-Identifier: Apache-2.0

package import WCF

/// `ProvisionCredentials`: what is derived from passwords.
/// ```
/// <request xmlns:b="…Microsoft.Online.Coexistence.Schema" xmlns:i="…">
///   <b:RequestItems>
///     <b:SyncCredentialsChangeItem>
///       <b:ChangeDate>2026-05-01T08:00:00Z</b:ChangeDate>   <b:CloudAnchor i:nil="true"/>
///       <b:CredentialData>v1;PPH1_MD4,…;</b:CredentialData>
///       <b:ForcePasswordChangeOnLogon>false</b:ForcePasswordChangeOnLogon>
///       <b:SourceAnchor>…</b:SourceAnchor>
///       <b:WindowsLegacyCredentials i:nil="true"/>  <b:WindowsSupplementalCredentials i:nil="true"/>
///     </b:SyncCredentialsChangeItem>
///   </b:RequestItems>
/// </request>
/// ```
package struct ProvisionCredentials: SyncCall {
  package static let operation = "ProvisionCredentials"
  package static let resultNamespaces = [BinaryAttribute.namespace(prefix: "b", uri: Namespace.credentials)]

  package struct Item: Sendable {
    package var anchor: SyncAnchor
    /// The derived value: a secret of its own.
    package var value: String
    /// `xsd:dateTime` of the password's change.
    package var changed: String
    package var mustChange: Bool

    package init(anchor: SyncAnchor, value: String, changed: String, mustChange: Bool) {
      self.anchor = anchor
      self.value = value
      self.changed = changed
      self.mustChange = mustChange
    }
  }

  /// What became of one. Zero is success; no other number is documented.
  package struct Result: Sendable, Hashable {
    package var anchor: SyncAnchor?
    package var result: Int64
    package var detail: String?

    package init(anchor: SyncAnchor?, result: Int64, detail: String? = nil) {
      self.anchor = anchor
      self.result = result
      self.detail = detail
    }

    package var isSuccess: Bool { result == 0 }
  }

  package var items: [Item]

  package init(_ items: [Item]) { self.items = items }

  // MARK: The request

  package func write(_ writer: inout MessageWriter) {
    writer.element(.plain("request"), Self.resultNamespaces + [.instance]) { writer in
      writer.element(.b("RequestItems")) { writer in
        for item in items {
          writer.element(.b("SyncCredentialsChangeItem")) { writer in
            writer.leaf(.b("ChangeDate"), item.changed)
            writer.leaf(.b("CloudAnchor"), optional: item.anchor.cloudText)
            writer.leaf(.b("CredentialData"), item.value)
            writer.leaf(.b("ForcePasswordChangeOnLogon"), item.mustChange ? "true" : "false")
            writer.leaf(.b("SourceAnchor"), optional: item.anchor.sourceText)
            writer.null(.b("WindowsLegacyCredentials"))
            writer.null(.b("WindowsSupplementalCredentials"))
          }
        }
      }
    }
  }

  package init(_ reader: inout MessageReader, _ element: MessageReader.Element) throws(SyncAPIError) {
    items = []
    while try reader.child() != nil {
      while let list = try reader.child() {
        guard list.name == "RequestItems" else {
          try reader.skip()
          continue
        }
        while try reader.child() != nil {
          guard items.count < SyncAPILimits.credentials else {
            throw SyncAPIError(.tooLarge, "A request has more than \(SyncAPILimits.credentials) credentials.")
          }
          items.append(try Self.item(&reader))
        }
      }
    }
  }

  private static func item(_ reader: inout MessageReader) throws(SyncAPIError) -> Item {
    var (changed, value, mustChange) = ("", "", false)
    var (cloud, source) = (String?.none, String?.none)
    while let part = try reader.child() {
      switch part.name {
      case "ChangeDate": changed = try reader.text()
      case "CredentialData": value = try reader.text()
      case "ForcePasswordChangeOnLogon": mustChange = try reader.boolean(part)
      case "CloudAnchor": cloud = try reader.text(of: part)
      case "SourceAnchor": source = try reader.text(of: part)
      default: try reader.skip()
      }
    }
    if let source, !source.isEmpty {
      return Item(anchor: .source(source), value: value, changed: changed, mustChange: mustChange)
    }
    guard let cloud, !cloud.isEmpty else { throw MessageReader.malformed("a credential is nobody's") }
    return Item(anchor: .cloud(cloud), value: value, changed: changed, mustChange: mustChange)
  }

  // MARK: The answer

  package static func write(_ answer: [Result], _ writer: inout MessageWriter) {
    writer.element(.b("Results")) { writer in
      for result in answer {
        writer.element(.b("SyncCredentialsChangeResult")) { writer in
          writer.leaf(.b("CloudAnchor"), optional: result.anchor?.cloudText)
          writer.leaf(.b("ExtendedErrorInformation"), optional: result.detail)
          writer.leaf(.b("Result"), String(result.result))
          writer.leaf(.b("SourceAnchor"), optional: result.anchor?.sourceText)
        }
      }
    }
  }

  package static func read(
    _ reader: inout MessageReader, _ result: MessageReader.Element
  ) throws(SyncAPIError) -> [Result] {
    var results: [Result] = []
    while let list = try reader.child() {
      guard list.name == "Results" else {
        try reader.skip()
        continue
      }
      while try reader.child() != nil {
        guard results.count < SyncAPILimits.credentials else {
          throw SyncAPIError(.tooLarge, "An answer has more than \(SyncAPILimits.credentials) results.")
        }
        results.append(try Self.result(&reader))
      }
    }
    return results
  }

  private static func result(_ reader: inout MessageReader) throws(SyncAPIError) -> Result {
    // Without a number nothing is said to have been done.
    var result = Result(anchor: nil, result: -1)
    while let part = try reader.child() {
      switch part.name {
      case "Result": result.result = try reader.integer(part)
      case "ExtendedErrorInformation": result.detail = try reader.text(of: part)
      case "SourceAnchor":
        if let text = try reader.text(of: part), !text.isEmpty { result.anchor = .source(text) }
      case "CloudAnchor":
        if let text = try reader.text(of: part), !text.isEmpty, result.anchor == nil { result.anchor = .cloud(text) }
      default: try reader.skip()
      }
    }
    return result
  }
}

extension SyncAnchor {
  fileprivate var cloudText: String? { if case .cloud(let text) = self { text } else { nil } }
  fileprivate var sourceText: String? { if case .source(let text) = self { text } else { nil } }
}
