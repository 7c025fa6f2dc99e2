// SPDX-License-Identifier: Apache-2.0

import Wire

/// Why a text is not taken as XML.
package struct XMLError: DiagnosableError, Hashable {
  package enum Code: String, Sendable, CaseIterable {
    case malformed
    case tooLarge
    /// A document type declaration or an entity reference: nothing that the product reads needs them, and they are what
    /// attacks on parsers are made of.
    case declarationRefused
  }
  package var code: Code
  package var message: String
  package var identifier: String { "xml.\(code.rawValue)" }
  package var remedy: String { "Check what answers there; its document is refused." }

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}
