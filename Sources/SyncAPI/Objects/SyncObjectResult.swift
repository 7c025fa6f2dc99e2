// SPDX-License-Identifier: Apache-2.0

import WCF

/// What became of one object of a request (`AzureADSyncObjectResult`).
package struct SyncObjectResult: Sendable, Hashable {
  /// Words of the service for what it does not like, where they are documented ("Troubleshoot errors during
  /// synchronization" in Microsoft's documentation of Entra Connect). Others are kept as they are.
  package enum Problem {
    package static let valueTaken = "AttributeValueMustBeUnique"
    package static let invalidValue = "DataValidationFailed"
    /// Several objects, or one of another source, could be it by name or address.
    package static let softMatch = "InvalidSoftMatch"
    package static let hardMatch = "InvalidHardMatch"
    package static let administrator = "ExistingAdminRoleConflict"
    package static let otherType = "ObjectTypeMismatch"
    package static let tooLarge = "LargeObject"
    /// Not documented; the tenant's own word for an object that is not there.
    package static let notFound = "ObjectNotFound"
  }

  package var type: SyncObjectType
  package var operation: SyncOperation
  package var sourceAnchor: String?
  package var cloudAnchor: String?
  package var isSuccess: Bool
  package var errorCode: String?
  package var errorDescription: String?

  package init(
    _ object: SyncObject, cloudAnchor: String? = nil, errorCode: String? = nil, errorDescription: String? = nil
  ) {
    type = object.type
    operation = object.operation
    sourceAnchor = object.sourceAnchor
    self.cloudAnchor = cloudAnchor ?? object.cloudAnchor
    isSuccess = errorCode == nil
    self.errorCode = errorCode
    self.errorDescription = errorDescription
  }

  func write(_ writer: inout MessageWriter) {
    writer.element(.b("AzureADSyncObjectResult")) { writer in
      writer.leaf(.b("CloudAnchor"), optional: cloudAnchor)
      writer.null(.b("ErrorDetails"))
      writer.leaf(.b("ObjectType"), type.rawValue)
      writer.leaf(.b("ResultCode"), isSuccess ? "Success" : "Failure")
      writer.leaf(.b("ResultErrorCode"), optional: errorCode)
      writer.leaf(.b("ResultErrorDescription"), optional: errorDescription)
      writer.leaf(.b("SourceAnchor"), optional: sourceAnchor)
      writer.leaf(.b("SyncOperation"), operation.rawValue)
    }
  }

  init(_ reader: inout MessageReader) throws(SyncAPIError) {
    (type, operation, isSuccess) = (.user, .set, false)
    while let part = try reader.child() {
      switch part.name {
      case "CloudAnchor": cloudAnchor = try reader.text(of: part)
      case "SourceAnchor": sourceAnchor = try reader.text(of: part)
      case "ObjectType": type = SyncObjectType(rawValue: try reader.text()) ?? .user
      case "SyncOperation": operation = SyncOperation(rawValue: try reader.text()) ?? .set
      case "ResultCode": isSuccess = try reader.text() == "Success"
      case "ResultErrorCode": errorCode = try reader.text(of: part)
      case "ResultErrorDescription": errorDescription = try reader.text(of: part)
      default: try reader.skip()
      }
    }
  }
}
