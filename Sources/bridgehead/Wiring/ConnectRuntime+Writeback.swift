// SPDX-License-Identifier: Apache-2.0

import Connect
import FoundationEssentials
import Logging
import NIOCore
import PasswordWriteback
import SCIM
import Wire

extension ConnectRuntime {
  /// Above the longest poll, for one attempt.
  private static let pollDeadline = TimeAmount.seconds(45)

  /// Password writeback, where a key, a target's token and a forest's credentials are configured.
  static func writeback(_ ways: Ways) throws -> WritebackService? {
    guard let writeback = ways.section.writeback else { return nil }
    let directories = ways.forests.compactMap(\.writeback)
    guard let target = ways.section.allTargets.first(where: { $0.writebackToken != nil }),
      let token = target.writebackToken,
      !directories.isEmpty
    else {
      throw CommandError(
        "configuration.writeback", "connect.writeback needs more than a key.",
        remedy: "give a forest writebackCredentials and writebackUnits, and a target a writebackToken.",
        status: .configuration)
    }
    ProcessSecrecy.refuseCores()
    let key = try ConnectorPrivateKey(text: try SecretFile.read(writeback.key))
    let logger = Logger(label: "bridgehead.writeback")
    let client = try ways.cloud.tenantClient(
      of: target, logger,
      adjust: {
        $0.deadline = pollDeadline
        // The loop itself asks again.
        $0.retry.maximumAttempts = 2
      }, token: { [environment = ways.environment] in try token.read(environment) })
    return WritebackService(
      settings: WritebackSettings(
        target: target.key, tenant: target.initialDomain, key: key,
        perUser: writeback.perUser ?? WritebackSettings.defaultPerUser,
        total: writeback.perHour ?? WritebackSettings.defaultTotal,
        concurrency: writeback.concurrency ?? WritebackSettings.defaultConcurrency),
      channel: TenantWritebackChannel(client: client), directories: directories, store: ways.store, logger: logger,
      now: { Date.now.timeIntervalSince1970 })
  }
}
