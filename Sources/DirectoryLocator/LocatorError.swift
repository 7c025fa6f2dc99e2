// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Why a name could not be resolved or no domain controller could be chosen.
package typealias LocatorError = CodedError<LocatorErrorCode>

package enum LocatorErrorCode: String, ErrorCode {
  package static let domain = "locator"

  /// The name cannot be a DNS name.
  case invalidName
  /// NXDOMAIN for the domain itself: the servers do not know the zone.
  case domainNotFound
  /// NXDOMAIN for a host.
  case hostNotFound
  /// The domain exists, the SRV records do not.
  case noServiceRecords
  /// The host exists without an address record.
  case noAddress
  /// No DNS server answered.
  case serverNotAnswering
  /// UDP answered with a truncated message, TCP did not answer.
  case tcpBlocked
  /// A DNS server answered with SERVFAIL, REFUSED or the like.
  case serverFailure
  /// An answer that is no DNS message for the question.
  case malformedAnswer
  /// None of the domain controllers answered.
  case noLiveController
  /// None of the domain controllers on the list of allowed ones answered.
  case noAllowedController
  /// The only controllers that answered are read-only.
  case onlyReadOnlyControllers
  /// The only controllers that answered hold another domain.
  case wrongDomain
  /// No live controller of the forest is a global catalog.
  case noGlobalCatalog
  case internalFailure
}

extension LocatorError {
  static func internalFailure(_ message: String) -> LocatorError {
    LocatorError(.internalFailure, message, remedy: "Report this as a defect, with the log.")
  }
}
