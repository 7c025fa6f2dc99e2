// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import Logging
package import SyncAPI
import Synchronization
import Wire

/// Derived passwords by `ProvisionCredentials`. The service orders them by the time of their change alone.
package final class SyncAPIPasswordTarget: PasswordTarget {
  package let name: String
  private let client: SyncAPIClient
  private let logger: Logger
  private let isEnabled = Mutex(false)

  /// Small enough to be answered in time by a service whose limits are not published.
  package let batchSize = 50

  package init(name: String, client: SyncAPIClient, logger: Logger) {
    self.name = name
    self.client = client
    self.logger = logger
  }

  package func send(_ updates: [PasswordUpdate]) async throws -> [PasswordOutcome] {
    try await enable()
    let results = try await client.perform(
      ProvisionCredentials(
        updates.map { update in
          ProvisionCredentials.Item(
            anchor: .source(update.anchor), value: update.value,
            changed: Date(timeIntervalSince1970: Double(update.version.originated)).formatted(.iso8601),
            mustChange: update.mustChange)
        }))
    guard results.count == updates.count else {
      throw ConnectError(
        .targetRefused, "\(name) told \(results.count) results for \(updates.count) passwords.",
        remedy: "Check that the address is that of a directory synchronisation service.")
    }
    let named = Dictionary(results.compactMap { result in result.anchor.map { ($0, result) } }) { $1 }
    return updates.indices.map { index in
      let result = named[.source(updates[index].anchor)] ?? results[index]
      guard !result.isSuccess else { return .stored }
      return .refused(
        reason: "result-\(result.result)", detail: String((result.detail ?? "The service gave no detail.").prefix(512)))
    }
  }

  /// A tenant takes passwords only when password hash synchronisation is switched on: whoever configures it means that.
  private func enable() async throws {
    guard !isEnabled.withLock({ $0 }) else { return }
    let features = try await client.perform(GetCompanyConfiguration()).features
    if !features.contains(.passwordHashSync) {
      logger.notice("password hash synchronisation is switched on", metadata: ["target": "\(name)"])
      _ = try await client.perform(SetCompanyDirsyncFeatures(features.union(.passwordHashSync)))
    }
    isEnabled.withLock { $0 = true }
  }
}
