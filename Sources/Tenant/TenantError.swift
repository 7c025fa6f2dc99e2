// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Why the tenant could not do what an administrator asked. What SCIM clients are told is a `SCIMError`.
package typealias TenantError = CodedError<TenantErrorCode>

package enum TenantErrorCode: String, ErrorCode {
  package static let domain = "tenant"

  case notInitialised, alreadyInitialised
  case invalidDomain, unknownDomain, domainExists, domainInUse, domainNotProved
  case invalidScope, unknownToken
  case unknownResource, notDeleted, nameTaken, privileged
  case sealingKey
  case invalidApplication, unknownApplication, unknownSession
  case certificate, bind
}
