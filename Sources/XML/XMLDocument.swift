// SPDX-License-Identifier: Apache-2.0

import CXML2

/// Reads a document with libxml2's pull reader, without entities, document types, or the network.
package enum XMLDocument {
  /// Bytes of the largest document that is read.
  package static let maximumBytes = 4 << 20
  /// Elements within elements; protocol messages stay below 30.
  package static let maximumDepth = 64
  /// Elements of one document.
  package static let maximumElements = 50_000
  /// Attributes of one element.
  package static let maximumAttributes = 256

  /// - Returns: the root element.
  /// - Throws: ``XMLError``.
  package static func parse(_ bytes: [UInt8]) throws(XMLError) -> XMLElement {
    guard bytes.count <= maximumBytes else {
      throw XMLError(.tooLarge, "The document has \(bytes.count) bytes; the limit is \(maximumBytes).")
    }
    _ = initialised
    let result: Result<XMLElement, XMLError> = bytes.withUnsafeBytes { buffer in
      guard let start = buffer.bindMemory(to: CChar.self).baseAddress,
        let handle = xmlReaderForMemory(start, Int32(buffer.count), nil, nil, options)
      else { return .failure(XMLError(.malformed, "The document is empty.")) }
      defer { xmlFreeTextReader(handle) }
      var reader = Reader(handle: handle)
      do throws(XMLError) {
        return .success(try reader.document())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// libxml2 prints nothing, opens nothing, and hands CDATA out as text. Entities are not replaced: a reference is refused.
  private static let options = Int32(
    XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue | XML_PARSE_NOCDATA.rawValue)

  /// Before threads use the library (libxml2's documentation on thread safety).
  private static let initialised: Void = xmlInitParser()

  private struct Reader {
    let handle: xmlTextReaderPtr
    var elements = 0

    mutating func document() throws(XMLError) -> XMLElement {
      /// The elements that are open, outermost first.
      var open: [XMLElement] = []
      var root: XMLElement?
      while true {
        let status = xmlTextReaderRead(handle)
        guard status >= 0 else { throw XMLError(.malformed, "The document is not well-formed.") }
        guard status == 1 else { break }
        switch UInt32(bitPattern: xmlTextReaderNodeType(handle)) {
        case XML_READER_TYPE_ELEMENT.rawValue:
          let element = try element()
          if xmlTextReaderIsEmptyElement(handle) == 1 {
            Self.close(element, &open, &root)
          } else {
            guard open.count < XMLDocument.maximumDepth else {
              throw XMLError(.tooLarge, "The document is nested deeper than \(XMLDocument.maximumDepth) elements.")
            }
            open.append(element)
          }
        case XML_READER_TYPE_END_ELEMENT.rawValue:
          if let done = open.popLast() { Self.close(done, &open, &root) }
        case XML_READER_TYPE_TEXT.rawValue, XML_READER_TYPE_CDATA.rawValue,
          XML_READER_TYPE_SIGNIFICANT_WHITESPACE.rawValue:
          if !open.isEmpty { open[open.count - 1].text += Self.text(xmlTextReaderConstValue(handle)) }
        case XML_READER_TYPE_DOCUMENT_TYPE.rawValue, XML_READER_TYPE_ENTITY_REFERENCE.rawValue:
          throw XMLError(.declarationRefused, "The document declares or uses a document type or an entity.")
        default: break
        }
      }
      guard let root, open.isEmpty else { throw XMLError(.malformed, "The document has no element.") }
      return root
    }

    private static func close(_ element: XMLElement, _ open: inout [XMLElement], _ root: inout XMLElement?) {
      if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
    }

    private mutating func element() throws(XMLError) -> XMLElement {
      elements += 1
      guard elements <= XMLDocument.maximumElements else {
        throw XMLError(.tooLarge, "The document has more than \(XMLDocument.maximumElements) elements.")
      }
      var element = XMLElement(try name())
      let count = xmlTextReaderAttributeCount(handle)
      guard count <= XMLDocument.maximumAttributes else {
        throw XMLError(.tooLarge, "An element has \(count) attributes.")
      }
      while xmlTextReaderMoveToNextAttribute(handle) == 1 {
        if xmlTextReaderIsNamespaceDecl(handle) == 1 { continue }
        let name = try name()
        element.attributes[name] = Self.text(xmlTextReaderConstValue(handle))
      }
      if count > 0 { xmlTextReaderMoveToElement(handle) }
      return element
    }

    private func name() throws(XMLError) -> XMLElement.Name {
      let local = Self.text(xmlTextReaderConstLocalName(handle))
      // libxml2 goes on after a prefix that is not declared, and leaves it in the name.
      guard !local.utf8.contains(UInt8(ascii: ":")) else {
        throw XMLError(.malformed, "The document uses a prefix that it does not declare.")
      }
      return XMLElement.Name(Self.text(xmlTextReaderConstNamespaceUri(handle)), local)
    }

    private static func text(_ pointer: UnsafePointer<xmlChar>?) -> String {
      pointer.map { String(cString: $0) } ?? ""
    }
  }
}
