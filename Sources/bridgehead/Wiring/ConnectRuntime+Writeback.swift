// SPDX-License-Identifier: Apache-2.0

import Connect
import FoundationEssentials
import HTTP
import Logging
import NIOCore
import PasswordWriteback
import SCIM
import Store
import Wire

extension ConnectRuntime {
  /// Above the longest poll, for one attempt.
  private static let pollDeadline = TimeAmount.seconds(45)

  /// Password writeback, where a key, a target's token and a forest's credentials are configured.
  static func writeback(
    _ section: Configuration.ConnectSection, _ forests: [Forest], _ store: SQLiteStore, _ cloud: Cloud,
    _ environment: [String: String]
  ) throws -> WritebackService? {
    guard let writeback = section.writeback else { return nil }
    let directories = forests.compactMap(\.writeback)
    guard let target = section.allTargets.first(where: { $0.writebackToken != nil }), let token = target.writebackToken,
      !directories.isEmpty
    else {
      throw CommandError(
        "configuration.writeback", "connect.writeback needs more than a key.",
        remedy: "give a forest writebackCredentials and writebackUnits, and a target a writebackToken.",
        status: .configuration)
    }
    ProcessSecrecy.refuseCores()
    let key = try ConnectorPrivateKey(text: try SecretFile.read(writeback.key))
    _ = try token.read(environment)
    let url = try HTTPURL(target.url)
    var client = SCIMClientConfiguration(baseURL: try HTTPURL("\(url.scheme)://\(url.endpoint)"))
    client.deadline = pollDeadline
    // The loop itself asks again.
    client.retry.maximumAttempts = 2
    let logger = Logger(label: "bridgehead.writeback")
    return WritebackService(
      settings: WritebackSettings(
        target: target.key, tenant: target.initialDomain, key: key,
        perUser: writeback.perUser ?? WritebackSettings.defaultPerUser,
        total: writeback.perHour ?? WritebackSettings.defaultTotal,
        concurrency: writeback.concurrency ?? WritebackSettings.defaultConcurrency),
      channel: TenantWritebackChannel(
        client: SCIMClient(client, http: cloud.http, timing: SCIMClientTiming(now: { Date.now }), logger: logger) {
          try token.read(environment)
        }), directories: directories, store: store, logger: logger, now: { Date.now.timeIntervalSince1970 })
  }
}
