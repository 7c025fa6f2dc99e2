// SPDX-License-Identifier: Apache-2.0

import Wire

/// Why the tenant could not do what an administrator asked. What SCIM clients are told is a `SCIMError`.
package struct TenantError: DiagnosableError, Equatable {
  package enum Code: String, Sendable {
    case notInitialised, alreadyInitialised
    case invalidDomain, unknownDomain, domainExists, domainInUse, domainNotProved
    case invalidScope, unknownToken
    case unknownResource, notDeleted, nameTaken
    case sealingKey
    case invalidApplication, unknownApplication, unknownSession
    case certificate, bind
  }

  package let code: Code
  package let message: String
  package let remedy: String

  package var identifier: String { "tenant.\(code.rawValue)" }

  init(_ code: Code, _ message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }
}
