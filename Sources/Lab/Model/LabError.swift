// SPDX-License-Identifier: Apache-2.0

import Wire

/// What can go wrong with a lab, with cause and remedy.
package struct LabError: DiagnosableError {
  package enum Code: String, Sendable {
    case missingPrograms, notPrivileged, loopbackDown, addressInUse, pathTooLong, invalidOption
    case otherLab, notALab, scriptFailed, commandFailed, notReady, certificate, file
  }

  package var code: Code
  package var message: String
  package var remedy: String

  package var identifier: String { "lab.\(code.rawValue)" }

  package init(_ code: Code, _ message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }
}
