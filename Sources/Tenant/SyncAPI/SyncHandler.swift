// SPDX-License-Identifier: Apache-2.0

import SyncAPI

extension SyncService {
  /// The operations that are served.
  enum Operation: String, CaseIterable {
    case capabilities = "Capabilities"
    case getCompanyConfiguration = "GetCompanyConfiguration"
    case setCompanyDirsyncFeatures = "SetCompanyDirsyncFeatures"
    case readBack = "ReadBackAzureADSyncObjects"
    case readBack2 = "ReadBackAzureADSyncObjects2"
    case provision = "ProvisionAzureADSyncObjects"
    case provision2 = "ProvisionAzureADSyncObjects2"
    case provisionCredentials = "ProvisionCredentials"
    case finalizeExport = "FinalizeExport"
    case getKerberosDomain = "GetKerberosDomain"
    case setKerberosDomain = "SetKerberosDomain"
    case getDeviceConfiguration = "GetDeviceConfiguration"

    var changesPasswords: Bool { self == .provisionCredentials }
  }
}

/// What each operation does with a request that has passed the pipeline.
struct SyncHandler: Sendable {
  let directory: TenantDirectory
  let actor: Actor

  /// - Returns: the answer's envelope.
  func handle(_ operation: SyncService.Operation, _ request: inout SyncEnvelope.Incoming) async throws -> [UInt8] {
    switch operation {
    case .capabilities:
      try await answer(Capabilities.self, &request) { _ in Self.versions }
    case .getCompanyConfiguration:
      try await answer(GetCompanyConfiguration.self, &request) { _ in try await directory.companyConfiguration() }
    case .setCompanyDirsyncFeatures:
      try await answer(SetCompanyDirsyncFeatures.self, &request) { call in
        try await directory.set(call.features, by: actor)
        return Done()
      }
    case .readBack: try await readBack(ReadBackVersion1.self, &request)
    case .readBack2: try await readBack(ReadBackVersion2.self, &request)
    case .provision: try await provision(ProvisionVersion1.self, &request)
    case .provision2: try await provision(ProvisionVersion2.self, &request)
    case .provisionCredentials:
      try await answer(ProvisionCredentials.self, &request) { try await directory.provision($0, by: actor) }
    case .finalizeExport:
      try await answer(FinalizeExport.self, &request) { call in
        try await directory.finishExport(call)
        return Done()
      }
    case .getKerberosDomain:
      try await answer(GetKerberosDomain.self, &request) { try await directory.kerberosDomain($0.name) }
    case .setKerberosDomain:
      try await answer(SetKerberosDomain.self, &request) { call in
        try await directory.set(call.domain, by: actor)
        return Done()
      }
    case .getDeviceConfiguration:
      // The tenant issues no certificates to devices.
      try await answer(GetDeviceConfiguration.self, &request) { _ in GetDeviceConfiguration.Issuers() }
    }
  }

  /// Every version is welcome: what a client says about itself proves nothing.
  private static let versions = Capabilities.Versions(latest: RequestHeader.buildNumber, minimum: "1.0.0.0")

  private func readBack<Version: ReadBackVersion>(
    _ version: Version.Type, _ request: inout SyncEnvelope.Incoming
  ) async throws -> [UInt8] {
    try await answer(ReadBack<Version>.self, &request) { call in
      let page = try await directory.readBack(cookie: call.cookie, isFull: call.isFull)
      return ReadBack<Version>.Page(objects: page.objects, cookie: page.cookie, hasMore: page.hasMore)
    }
  }

  private func provision<Version: ProvisionVersion>(
    _ version: Version.Type, _ request: inout SyncEnvelope.Incoming
  ) async throws -> [UInt8] {
    try await answer(Provision<Version>.self, &request) { try await directory.provision($0.objects, by: actor) }
  }

  private func answer<Call: SyncCall>(
    _ type: Call.Type, _ request: inout SyncEnvelope.Incoming, _ work: (Call) async throws -> Call.Answer
  ) async throws -> [UInt8] {
    let call = try request.body(type)
    let answer = try await work(call)
    return SyncEnvelope.answer(answer, to: type, relatesTo: String(request.header.messageID.prefix(128)))
  }
}
