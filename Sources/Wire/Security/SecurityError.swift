// SPDX-License-Identifier: Apache-2.0

/// Why a security context could not be made or used.
package typealias SecurityError = CodedError<SecurityErrorCode>

package enum SecurityErrorCode: String, ErrorCode {
  package static let domain = "security"

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
