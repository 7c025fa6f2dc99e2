// SPDX-License-Identifier: Apache-2.0

package import WCF

/// Writes a binary document with the prefixes that .NET's clients and services use; some readers look for them.
package struct MessageWriter: Sendable {
  private var writer = BinaryWriter()

  package init() {}

  package var bytes: [UInt8] { writer.bytes }

  package mutating func element<Failure: Error>(
    _ name: BinaryName, _ attributes: [BinaryAttribute] = [], _ content: (inout MessageWriter) throws(Failure) -> Void
  ) throws(Failure) {
    writer.start(name, attributes)
    try content(&self)
    writer.end()
  }

  package mutating func leaf(_ name: BinaryName, _ text: String, _ attributes: [BinaryAttribute] = []) {
    writer.start(name, attributes)
    writer.text(Self.allowed(text))
    writer.end()
  }

  package mutating func leaf(_ name: BinaryName, data: [UInt8], _ attributes: [BinaryAttribute] = []) {
    writer.start(name, attributes)
    writer.data(data)
    writer.end()
  }

  /// The text of the element that is open.
  package mutating func text(_ text: String) { writer.text(Self.allowed(text)) }

  /// An element of this text, or one that is `xsi:nil`.
  package mutating func leaf(_ name: BinaryName, optional text: String?) {
    if let text { leaf(name, text) } else { null(name) }
  }

  package mutating func null(_ name: BinaryName) {
    writer.start(name, [.attribute(BinaryName("i", "nil"), "true")])
    writer.end()
  }

  package mutating func empty(_ name: BinaryName, _ attributes: [BinaryAttribute] = []) {
    writer.start(name, attributes)
    writer.end()
  }

  /// What XML 1.0 (2.2) has no place for is replaced: a reader that makes text of the document would refuse all of it.
  private static func allowed(_ text: String) -> String {
    func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
      switch scalar.value {
      case 0x9, 0xa, 0xd, 0x20...0xd7ff, 0xe000...0xfffd, 0x10000...0x10ffff: true
      default: false
      }
    }
    if text.unicodeScalars.allSatisfy(isAllowed) { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.map { isAllowed($0) ? $0 : "\u{fffd}" }))
  }
}

extension BinaryName {
  /// Of the SOAP envelope.
  static func soap(_ name: String) -> BinaryName { BinaryName("s", name) }
  static func addressing(_ name: String) -> BinaryName { BinaryName("a", name) }
  /// Of the namespace that an operation's result declares as `b`.
  static func b(_ name: String) -> BinaryName { BinaryName("b", name) }
  /// Of .NET's collections.
  static func c(_ name: String) -> BinaryName { BinaryName("c", name) }
  /// Of the default namespace.
  static func plain(_ name: String) -> BinaryName { BinaryName("", name) }
}

extension BinaryAttribute {
  static let instance = BinaryAttribute.namespace(prefix: "i", uri: Namespace.instance)
  static func type(_ name: String) -> BinaryAttribute { .attribute(BinaryName("i", "type"), name) }
}
