// SPDX-License-Identifier: Apache-2.0

/// What is accepted of a binary document. The formats leave limits to the implementation (MC-NBFX 4); a document's own size
/// is bounded by ``FramingLimits/envelope``.
package enum BinaryLimits {
  /// Elements within elements; .NET's readers take 32 by default, messages stay below 30.
  package static let depth = 64
  /// Attributes and namespace declarations of one element.
  package static let attributes = 256
  /// Items of one list of texts.
  package static let listItems = 65_536
  /// Strings that one session may add (MC-NBFSE 2.1).
  package static let sessionStrings = 8_192
  /// Bytes of the strings that one session may add.
  package static let sessionBytes = 1 << 20
}
