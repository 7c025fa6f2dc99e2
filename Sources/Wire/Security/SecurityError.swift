// SPDX-License-Identifier: Apache-2.0

/// Why a security context could not be made or used.
package struct SecurityError: DiagnosableError {
  /// What happened, as a closed vocabulary that callers branch on.
  package enum Code: String, Sendable {
    case clockSkew
    case wrongPassword
    case unknownPrincipal
    case unknownService
    case accountLocked
    case accountDisabled
    case accountExpired
    case passwordExpired
    case unsupportedEncryption
    case ticketExpired
    case noKDC
    case refusedByKDC
    case badCredentialSource
    case weakProtection
    case rejectedToken
    case internalFailure
  }
  package var code: Code
  package var message: String
  package var remedy: String

  package init(_ code: Code, _ message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  package var identifier: String { "security.\(code.rawValue)" }
}
