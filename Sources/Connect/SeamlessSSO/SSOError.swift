// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Why Seamless SSO was not changed.
package typealias SSOError = CodedError<SSOErrorCode>

package enum SSOErrorCode: String, ErrorCode {
  package static let domain = "sso"

  /// The name of the account belongs to another product.
  case reservedName
  /// An account of the name exists that Bridgehead did not make for this tenant.
  case foreignAccount
  /// Another account has the service's name: no KDC makes tickets for either.
  case duplicateServiceName
  case notEnabled
  /// The tenant is another one, or has another address, than the configuration says.
  case wrongTenant
  /// Tickets that people hold would end.
  case ticketsInUse
  /// No trust lets people of the other forest in.
  case noTrust
  case badOption
  /// A domain controller that does not say what time it has.
  case noClock
}
