// SPDX-License-Identifier: Apache-2.0

import Wire

/// Why a stand-in cannot be run or is not believed.
package struct StandInError: DiagnosableError, Hashable {
  package enum Code: String, Sendable, CaseIterable {
    case weakCode
    /// What came is no message of the stand-in's protocol.
    case malformed
    /// The other side does not know the code.
    case wrongCode
    /// A message that was seen before.
    case replay
    case refused
    case portInUse
    case cannotListen
    case nothingToListenTo
  }
  package var code: Code
  package var message: String
  package var remedy: String
  package var identifier: String { "stand-in.\(code.rawValue)" }

  package init(_ code: Code, _ message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }
}
