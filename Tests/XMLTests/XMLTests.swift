// SPDX-License-Identifier: Apache-2.0

import Testing
import XML

@Suite struct XMLTests {
  static func parse(_ text: String) throws(XMLError) -> XMLElement { try XMLDocument.parse(Array(text.utf8)) }

  @Test func namespacesAttributesAndText() throws {
    let root = try Self.parse(
      """
      <?xml version="1.0"?><!-- a comment -->
      <a:root xmlns:a="urn:a" xmlns="urn:default" id="1" a:id="2">one &amp; <child><![CDATA[<two>]]></child> three
      <empty/></a:root>
      """)
    #expect(root.name == XMLElement.Name("urn:a", "root"))
    #expect(root.attribute("id") == "1" && root.attributes[XMLElement.Name("urn:a", "id")] == "2")
    #expect(root.attributes.count == 2)
    #expect(root.trimmedText == "one &  three")
    #expect(root.first("urn:default", "child")?.text == "<two>")
    #expect(root.all("urn:default", "empty").count == 1 && root.children.count == 2)
  }

  @Test(arguments: [
    "", "text", "<a>", "<a></b>", "<a/><b/>", "<a b='1' b='2'/>", "<x:a/>", "<a>&undefined;</a>", "<a>\u{0}</a>",
  ])
  func malformed(text: String) { #expect(throws: XMLError.self) { _ = try Self.parse(text) } }

  /// Documents that attack a parser: entities that grow, that read files, that fetch.
  @Test(arguments: [
    #"<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>"#,
    #"<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>"#,
    #"<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>"#,
    "<!DOCTYPE a><a/>",
  ])
  func declarationsAreRefused(text: String) {
    let error = #expect(throws: XMLError.self) { _ = try Self.parse(text) }
    #expect(error?.code == .declarationRefused)
  }

  @Test func limits() throws {
    let deep = { (depth: Int) in String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth) }
    _ = try Self.parse(deep(XMLDocument.maximumDepth))
    var error = #expect(throws: XMLError.self) { _ = try Self.parse(deep(XMLDocument.maximumDepth + 1)) }
    #expect(error?.code == .tooLarge)
    error = #expect(throws: XMLError.self) {
      _ = try Self.parse("<a>" + String(repeating: "<b/>", count: XMLDocument.maximumElements) + "</a>")
    }
    #expect(error?.code == .tooLarge)
    error = #expect(throws: XMLError.self) {
      _ = try XMLDocument.parse([UInt8](repeating: 0x20, count: XMLDocument.maximumBytes + 1))
    }
    #expect(error?.code == .tooLarge)
  }

  @Test(arguments: ["plain", "a < b & \"c\" > d", "line\nbreak\ttab", "ünïcödé 🗝"]) func escaping(text: String) throws {
    let root = try Self.parse("<a b=\"\(XMLElement.escape(text))\">\(XMLElement.escape(text))</a>")
    #expect(root.attribute("b") == text && root.text == text)
  }

  /// Random changes to a good document: an element or an error, never a crash.
  @Test func mutations() {
    let good = Array("<a xmlns='urn:a' b='c'><d>text &amp; more</d><e f='g'/></a>".utf8)
    for index in good.indices {
      for bit in 0..<8 {
        var changed = good
        changed[index] ^= 1 << bit
        _ = try? XMLDocument.parse(changed)
      }
      _ = try? XMLDocument.parse(Array(good.prefix(index)))
    }
  }
}
