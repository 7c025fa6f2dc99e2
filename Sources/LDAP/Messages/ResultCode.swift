// SPDX-License-Identifier: Apache-2.0

/// RFC 4511 4.1.9 and appendix A: the result codes. Codes of other documents keep their number.
package struct ResultCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package var rawValue: Int32
  package init(rawValue: Int32) { self.rawValue = rawValue }

  package static let success = ResultCode(rawValue: 0)
  package static let operationsError = ResultCode(rawValue: 1)
  package static let protocolError = ResultCode(rawValue: 2)
  package static let timeLimitExceeded = ResultCode(rawValue: 3)
  package static let sizeLimitExceeded = ResultCode(rawValue: 4)
  package static let compareFalse = ResultCode(rawValue: 5)
  package static let compareTrue = ResultCode(rawValue: 6)
  package static let authMethodNotSupported = ResultCode(rawValue: 7)
  package static let strongerAuthRequired = ResultCode(rawValue: 8)
  package static let referral = ResultCode(rawValue: 10)
  package static let adminLimitExceeded = ResultCode(rawValue: 11)
  package static let unavailableCriticalExtension = ResultCode(rawValue: 12)
  package static let confidentialityRequired = ResultCode(rawValue: 13)
  package static let saslBindInProgress = ResultCode(rawValue: 14)
  package static let noSuchAttribute = ResultCode(rawValue: 16)
  package static let undefinedAttributeType = ResultCode(rawValue: 17)
  package static let inappropriateMatching = ResultCode(rawValue: 18)
  package static let constraintViolation = ResultCode(rawValue: 19)
  package static let attributeOrValueExists = ResultCode(rawValue: 20)
  package static let invalidAttributeSyntax = ResultCode(rawValue: 21)
  package static let noSuchObject = ResultCode(rawValue: 32)
  package static let aliasProblem = ResultCode(rawValue: 33)
  package static let invalidDNSyntax = ResultCode(rawValue: 34)
  package static let aliasDereferencingProblem = ResultCode(rawValue: 36)
  package static let inappropriateAuthentication = ResultCode(rawValue: 48)
  package static let invalidCredentials = ResultCode(rawValue: 49)
  package static let insufficientAccessRights = ResultCode(rawValue: 50)
  package static let busy = ResultCode(rawValue: 51)
  package static let unavailable = ResultCode(rawValue: 52)
  package static let unwillingToPerform = ResultCode(rawValue: 53)
  package static let loopDetect = ResultCode(rawValue: 54)
  package static let namingViolation = ResultCode(rawValue: 64)
  package static let objectClassViolation = ResultCode(rawValue: 65)
  package static let notAllowedOnNonLeaf = ResultCode(rawValue: 66)
  package static let notAllowedOnRDN = ResultCode(rawValue: 67)
  package static let entryAlreadyExists = ResultCode(rawValue: 68)
  package static let objectClassModsProhibited = ResultCode(rawValue: 69)
  package static let affectsMultipleDSAs = ResultCode(rawValue: 71)
  package static let other = ResultCode(rawValue: 80)

  private static let names: [ResultCode: String] = [
    .success: "success", .operationsError: "operationsError", .protocolError: "protocolError",
    .timeLimitExceeded: "timeLimitExceeded", .sizeLimitExceeded: "sizeLimitExceeded",
    .compareFalse: "compareFalse", .compareTrue: "compareTrue",
    .authMethodNotSupported: "authMethodNotSupported", .strongerAuthRequired: "strongerAuthRequired",
    .referral: "referral", .adminLimitExceeded: "adminLimitExceeded",
    .unavailableCriticalExtension: "unavailableCriticalExtension",
    .confidentialityRequired: "confidentialityRequired", .saslBindInProgress: "saslBindInProgress",
    .noSuchAttribute: "noSuchAttribute", .undefinedAttributeType: "undefinedAttributeType",
    .inappropriateMatching: "inappropriateMatching", .constraintViolation: "constraintViolation",
    .attributeOrValueExists: "attributeOrValueExists", .invalidAttributeSyntax: "invalidAttributeSyntax",
    .noSuchObject: "noSuchObject", .aliasProblem: "aliasProblem", .invalidDNSyntax: "invalidDNSyntax",
    .aliasDereferencingProblem: "aliasDereferencingProblem",
    .inappropriateAuthentication: "inappropriateAuthentication", .invalidCredentials: "invalidCredentials",
    .insufficientAccessRights: "insufficientAccessRights", .busy: "busy", .unavailable: "unavailable",
    .unwillingToPerform: "unwillingToPerform", .loopDetect: "loopDetect", .namingViolation: "namingViolation",
    .objectClassViolation: "objectClassViolation", .notAllowedOnNonLeaf: "notAllowedOnNonLeaf",
    .notAllowedOnRDN: "notAllowedOnRDN", .entryAlreadyExists: "entryAlreadyExists",
    .objectClassModsProhibited: "objectClassModsProhibited", .affectsMultipleDSAs: "affectsMultipleDSAs",
    .other: "other",
  ]

  package var description: String { "\(Self.names[self] ?? "result code") (\(rawValue))" }
}
