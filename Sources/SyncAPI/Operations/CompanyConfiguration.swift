// SPDX-License-Identifier: Apache-2.0

package import WCF

/// `GetCompanyConfiguration`: what the tenant allows, and what it knows of its synchronisation.
package struct GetCompanyConfiguration: SyncCall {
  package static let operation = "GetCompanyConfiguration"
  package static let resultNamespaces = [BinaryAttribute.namespace(prefix: "c", uri: Namespace.arrays)]

  package init() {}

  package func write(_ writer: inout MessageWriter) { writer.leaf(.plain("includeLicenseInformation"), "false") }

  package init(_ reader: inout MessageReader, _ element: MessageReader.Element) throws(SyncAPIError) {
    while try reader.child() != nil { try reader.skip() }
  }

  // MARK: The answer

  package static func write(_ answer: CompanyConfiguration, _ writer: inout MessageWriter) {
    writer.element(.plain("AllowedFeatures")) { writer in
      for feature in answer.allowedFeatures { writer.leaf(.c("string"), feature) }
    }
    writer.element(.plain("DirSyncConfiguration")) { writer in
      writer.leaf(.plain("AnchorAttribute"), optional: answer.anchorAttribute)
      writer.leaf(.plain("ApplicationVersion"), optional: answer.applicationVersion)
      writer.leaf(.plain("ClientVersion"), optional: answer.clientVersion)
      writer.element(.plain("CurrentExport")) { writer in
        writer.leaf(.plain("DirSyncClientMachineName"), optional: answer.clientMachine)
        writer.leaf(.plain("SuccessfulExportCount"), String(answer.successfulExports))
        writer.leaf(.plain("TotalConnectorSpaceObjects"), String(answer.objects))
        writer.leaf(.plain("TotalExportCount"), String(answer.totalExports))
      }
      writer.leaf(.plain("IsTrackingChanges"), "false")
      writer.element(.plain("PreventAccidentalDeletion")) { writer in
        writer.leaf(.plain("DeletionPrevention"), "Disabled")
        writer.leaf(.plain("ThresholdCount"), "0")
        writer.leaf(.plain("ThresholdPercentage"), "0")
      }
      writer.element(.plain("Writeback")) { writer in
        writer.null(.plain("UnifiedGroupContainer"))
        writer.null(.plain("UserContainer"))
      }
    }
    writer.leaf(.plain("DirSyncFeatures"), String(answer.features.rawValue))
    writer.leaf(.plain("DisplayName"), answer.displayName)
    writer.leaf(.plain("IsDirSyncing"), answer.isSynchronising ? "true" : "false")
    writer.leaf(.plain("IsPasswordSyncing"), answer.features.contains(.passwordHashSync) ? "true" : "false")
    writer.leaf(.plain("MaxLinksSupportedAcrossBatchInProvision2"), String(answer.maximumLinks))
    writer.leaf(.plain("SynchronizationInterval"), answer.interval)
    writer.leaf(.plain("TenantId"), answer.tenant)
  }

  package static func read(
    _ reader: inout MessageReader, _ result: MessageReader.Element
  ) throws(SyncAPIError) -> CompanyConfiguration {
    var answer = CompanyConfiguration()
    while let part = try reader.child() {
      switch part.name {
      case "AllowedFeatures": answer.allowedFeatures = try reader.list(part, maximum: SyncAPILimits.names)
      case "DirSyncConfiguration": try readSynchronisation(&reader, &answer)
      case "DirSyncFeatures": answer.features = DirsyncFeatures(rawValue: try reader.integer(part))
      case "DisplayName": answer.displayName = try reader.text(of: part) ?? ""
      case "IsDirSyncing": answer.isSynchronising = try reader.boolean(part)
      case "MaxLinksSupportedAcrossBatchInProvision2": answer.maximumLinks = try reader.integer(part)
      case "SynchronizationInterval": answer.interval = try reader.text()
      case "TenantId": answer.tenant = try reader.text(of: part) ?? ""
      default: try reader.skip()
      }
    }
    return answer
  }

  private static func readSynchronisation(
    _ reader: inout MessageReader, _ answer: inout CompanyConfiguration
  ) throws(SyncAPIError) {
    while let part = try reader.child() {
      switch part.name {
      case "AnchorAttribute": answer.anchorAttribute = try reader.text(of: part)
      case "ApplicationVersion": answer.applicationVersion = try reader.text(of: part)
      case "ClientVersion": answer.clientVersion = try reader.text(of: part)
      case "CurrentExport":
        while let member = try reader.child() {
          switch member.name {
          case "DirSyncClientMachineName": answer.clientMachine = try reader.text(of: member)
          case "SuccessfulExportCount": answer.successfulExports = try reader.integer(member)
          case "TotalConnectorSpaceObjects": answer.objects = try reader.integer(member)
          case "TotalExportCount": answer.totalExports = try reader.integer(member)
          default: try reader.skip()
          }
        }
      default: try reader.skip()
      }
    }
  }
}

/// The answer to ``GetCompanyConfiguration``, as far as public clients read it.
package struct CompanyConfiguration: Sendable, Hashable {
  package var allowedFeatures: [String] = []
  package var anchorAttribute: String?
  package var applicationVersion: String?
  package var clientVersion: String?
  package var clientMachine: String?
  /// Of the last export that was finished.
  package var totalExports: Int64 = 0
  package var successfulExports: Int64 = 0
  /// Objects that are synchronised.
  package var objects: Int64 = 0
  package var features: DirsyncFeatures = []
  package var displayName = ""
  package var isSynchronising = true
  /// References that one batch may change.
  package var maximumLinks: Int64 = 15_000
  /// `xsd:duration`.
  package var interval = "PT30M"
  /// A GUID.
  package var tenant = ""

  package init() {}
}

/// What is switched on for the tenant: bits with the names that public clients give them.
package struct DirsyncFeatures: OptionSet, Sendable, Hashable {
  package let rawValue: Int64
  package init(rawValue: Int64) { self.rawValue = rawValue }

  package static let passwordHashSync = DirsyncFeatures(rawValue: 1)
  package static let enableSoftMatchOnUPN = DirsyncFeatures(rawValue: 16)
  package static let enableForcedPasswordChange = DirsyncFeatures(rawValue: 16_384)
  package static let blockSoftMatch = DirsyncFeatures(rawValue: 524_288)
}

/// `SetCompanyDirsyncFeatures`.
package struct SetCompanyDirsyncFeatures: SyncCommand {
  package static let operation = "SetCompanyDirsyncFeatures"

  package var features: DirsyncFeatures

  package init(_ features: DirsyncFeatures) { self.features = features }

  package func write(_ writer: inout MessageWriter) {
    writer.leaf(.plain("dirsyncFeatures"), String(features.rawValue))
  }

  package init(_ reader: inout MessageReader, _ element: MessageReader.Element) throws(SyncAPIError) {
    var features: DirsyncFeatures?
    while let part = try reader.child() {
      if part.name == "dirsyncFeatures" {
        features = DirsyncFeatures(rawValue: try reader.integer(part))
      } else {
        try reader.skip()
      }
    }
    guard let features else { throw MessageReader.malformed("dirsyncFeatures is missing") }
    self.features = features
  }
}

/// `FinalizeExport`: how many objects an export had, and how many went well.
package struct FinalizeExport: SyncCommand {
  package static let operation = "FinalizeExport"

  package var total: Int64
  package var successful: Int64

  package init(total: Int64, successful: Int64) {
    self.total = total
    self.successful = successful
  }

  package func write(_ writer: inout MessageWriter) {
    writer.leaf(.plain("totalExported"), String(total))
    writer.leaf(.plain("successfulExportCount"), String(successful))
  }

  package init(_ reader: inout MessageReader, _ element: MessageReader.Element) throws(SyncAPIError) {
    (total, successful) = (0, 0)
    while let part = try reader.child() {
      switch part.name {
      case "totalExported": total = try reader.integer(part)
      case "successfulExportCount": successful = try reader.integer(part)
      default: try reader.skip()
      }
    }
  }
}
