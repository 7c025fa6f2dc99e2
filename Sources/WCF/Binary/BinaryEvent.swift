// SPDX-License-Identifier: Apache-2.0

/// One step through a binary document, as the textual XML that it stands for (MC-NBFX 2.2).
package enum BinaryEvent: Hashable, Sendable {
  case startElement(BinaryName, [BinaryAttribute])
  case text(String)
  case endElement
}

/// A name as it is written: its prefix is empty for none, and not resolved.
package struct BinaryName: Hashable, Sendable {
  package var prefix: String
  package var local: String

  package init(_ prefix: String = "", _ local: String) {
    self.prefix = prefix
    self.local = local
  }
}

package enum BinaryAttribute: Hashable, Sendable {
  case attribute(BinaryName, String)
  /// `xmlns:prefix="uri"`; an empty prefix declares the default namespace.
  case namespace(prefix: String, uri: String)
}
