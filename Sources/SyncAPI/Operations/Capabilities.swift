// SPDX-License-Identifier: Apache-2.0

import WCF
import XML

/// `Capabilities`: which versions of the client the service works with. Its result is a document within a text:
/// ```
/// <ServiceCapability><MicrosoftOnline><Protocol><Application>
///   <LatestProductVersion/> <MinimumProductVersion/> <BlackList Enabled="true"><ClientVersion/>…</BlackList>
/// </Application></Protocol></MicrosoftOnline></ServiceCapability>
/// ```
package struct Capabilities: SyncCall {
  package static let operation = "Capabilities"

  package init() {}

  package func write(_ writer: inout MessageWriter) {}

  package init(_ reader: inout MessageReader, _ element: MessageReader.Element) throws(SyncAPIError) {
    try reader.skip()
  }

  package struct Versions: Sendable, Hashable {
    package var latest: String?
    package var minimum: String?
    package var refused: [String]

    package init(latest: String?, minimum: String?, refused: [String] = []) {
      self.latest = latest
      self.minimum = minimum
      self.refused = refused
    }
  }

  /// - Parameter answer: of digits and points.
  package static func write(_ answer: Versions, _ writer: inout MessageWriter) {
    writer.text(
      "<ServiceCapability><MicrosoftOnline><Protocol><Application>"
        + (answer.latest.map { "<LatestProductVersion>\(version($0))</LatestProductVersion>" } ?? "")
        + (answer.minimum.map { "<MinimumProductVersion>\(version($0))</MinimumProductVersion>" } ?? "")
        + "<BlackList Enabled=\"\(!answer.refused.isEmpty)\">"
        + answer.refused.map { "<ClientVersion>\(version($0))</ClientVersion>" }.joined()
        + "</BlackList></Application></Protocol></MicrosoftOnline></ServiceCapability>")
  }

  private static func version(_ text: String) -> String { text.filter { $0.isASCII && $0.isNumber || $0 == "." } }

  package static func read(
    _ reader: inout MessageReader, _ result: MessageReader.Element
  ) throws(SyncAPIError) -> Versions {
    guard let text = try reader.text(of: result), !text.isEmpty else { return Versions(latest: nil, minimum: nil) }
    let root: XMLElement
    do throws(XMLError) { root = try XMLDocument.parse(Array(text.utf8)) } catch {
      throw MessageReader.malformed("the capabilities are no XML document")
    }
    var versions = Versions(latest: nil, minimum: nil)
    guard let application = find("Application", in: root) else { return versions }
    versions.latest = find("LatestProductVersion", in: application)?.text
    versions.minimum = find("MinimumProductVersion", in: application)?.text
    let list = find("BlackList", in: application)?.children ?? []
    versions.refused = list.filter { $0.name.local == "ClientVersion" }.map(\.text)
    return versions
  }

  private static func find(_ name: String, in element: XMLElement) -> XMLElement? {
    if element.name.local == name { return element }
    for child in element.children {
      if let found = find(name, in: child) { return found }
    }
    return nil
  }
}
