// SPDX-License-Identifier: Apache-2.0

import WCF

/// Walks through a binary document (MC-NBFS), element by element, and keeps none of it. Namespaces are resolved.
///
/// Whoever gets an element from ``child()`` consumes it: by asking for its children until there is none, or with ``text()``
/// or ``skip()``.
package struct MessageReader: Sendable {
  package struct Element: Sendable, Hashable {
    package let namespace: String
    package let name: String
    /// The local name of its `xsi:type`.
    package let type: String?
    /// `xsi:nil`.
    package let isNil: Bool
  }

  private var reader: BinaryReader
  /// What is declared by the elements that are open, outermost first.
  private var scopes: [[String: String]] = []
  private var textLeft: Int

  package init(_ document: [UInt8]) {
    reader = BinaryReader(document)
    textLeft = max(64 << 10, document.count.multipliedReportingOverflow(by: SyncAPILimits.expansion).partialValue)
  }

  /// The root element.
  package mutating func root() throws(SyncAPIError) -> Element {
    guard case .startElement(let name, let attributes)? = try next() else { throw Self.malformed("it has no element") }
    return try open(name, attributes)
  }

  /// The next child of the innermost open element; nil at its end, which closes it.
  package mutating func child() throws(SyncAPIError) -> Element? {
    while true {
      switch try next() {
      case .startElement(let name, let attributes): return try open(name, attributes)
      case .endElement:
        scopes.removeLast()
        return nil
      case .text(let text):
        guard text.allSatisfy(\.isWhitespace) else { throw Self.malformed("text stands where elements are expected") }
      case nil: throw Self.malformed("it ends within an element")
      }
    }
  }

  /// The next child, which must be there and have this name; what comes before it is skipped.
  package mutating func child(_ name: String, in namespace: String) throws(SyncAPIError) -> Element {
    while let element = try child() {
      if element.name == name, element.namespace == namespace { return element }
      try skip()
    }
    throw Self.malformed("\(name) is missing")
  }

  /// The text of the element that was opened last, which it closes.
  package mutating func text() throws(SyncAPIError) -> String {
    var text = ""
    while true {
      switch try next() {
      case .text(let part):
        text += part
        textLeft -= part.utf8.count
        guard textLeft >= 0 else {
          throw SyncAPIError(.tooLarge, "The message stands for far more text than it has bytes.")
        }
      case .endElement:
        scopes.removeLast()
        return text
      case .startElement(let name, _): throw Self.malformed("the element \(Self.shown(name.local)) stands in a text")
      case nil: throw Self.malformed("it ends within a text")
      }
    }
  }

  /// Consumes the rest of the element that was opened last.
  package mutating func skip() throws(SyncAPIError) {
    var depth = 1
    while depth > 0 {
      switch try next() {
      case .startElement: depth += 1
      case .endElement: depth -= 1
      case .text: break
      case nil: throw Self.malformed("it ends within an element")
      }
    }
    scopes.removeLast()
  }

  private mutating func next() throws(SyncAPIError) -> BinaryEvent? {
    do throws(WCFError) { return try reader.next() } catch { throw SyncAPIError(.malformed, error.message) }
  }

  private mutating func open(_ name: BinaryName, _ attributes: [BinaryAttribute]) throws(SyncAPIError) -> Element {
    var scope: [String: String] = [:]
    for case .namespace(let prefix, let uri) in attributes { scope[prefix] = uri }
    scopes.append(scope)
    var (type, isNil) = (String?.none, false)
    for case .attribute(let name, let value) in attributes where !name.prefix.isEmpty {
      guard try resolve(name.prefix) == Namespace.instance else { continue }
      switch name.local {
      case "type": type = value.split(separator: ":", omittingEmptySubsequences: false).last.map(String.init)
      case "nil": isNil = value == "true" || value == "1"
      default: break
      }
    }
    return Element(namespace: try resolve(name.prefix), name: name.local, type: type, isNil: isNil)
  }

  private func resolve(_ prefix: String) throws(SyncAPIError) -> String {
    for scope in scopes.reversed() {
      if let uri = scope[prefix] { return uri }
    }
    // Namespaces in XML 3: declared from the beginning.
    if prefix == "xml" { return "http://www.w3.org/XML/1998/namespace" }
    guard prefix.isEmpty else { throw Self.malformed("the prefix \(Self.shown(prefix)) is not declared") }
    return ""
  }

  static func malformed(_ reason: String) -> SyncAPIError {
    SyncAPIError(.malformed, "The message cannot be read: \(reason).")
  }

  /// A remote text within an error.
  static func shown(_ text: String) -> String {
    String(text.unicodeScalars.prefix(64).map { (0x20..<0x7f).contains($0.value) ? Character($0) : "?" })
  }
}

extension MessageReader {
  /// The text of an element, nil when it is `xsi:nil`.
  mutating func text(of element: Element) throws(SyncAPIError) -> String? {
    guard element.isNil else { return try text() }
    try skip()
    return nil
  }

  mutating func boolean(_ element: Element) throws(SyncAPIError) -> Bool {
    switch try text(of: element)?.lowercased() {
    case "true", "1": true
    case "false", "0", "", nil: false
    default: throw Self.malformed("\(Self.shown(element.name)) is neither true nor false")
    }
  }

  mutating func integer(_ element: Element) throws(SyncAPIError) -> Int64 {
    guard let value = Int64(try text()) else { throw Self.malformed("\(Self.shown(element.name)) is no number") }
    return value
  }

  /// The texts of the children of an element.
  mutating func list(_ element: Element, maximum: Int) throws(SyncAPIError) -> [String] {
    var list: [String] = []
    while try child() != nil {
      guard list.count < maximum else {
        throw SyncAPIError(.tooLarge, "\(Self.shown(element.name)) has more than \(maximum) values.")
      }
      list.append(try text())
    }
    return list
  }
}
