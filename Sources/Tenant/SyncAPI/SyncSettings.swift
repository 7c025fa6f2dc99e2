// SPDX-License-Identifier: Apache-2.0

import Crypto
import Store
import SyncAPI
import Wire

/// What the tenant keeps of its synchronisation beside the objects.
struct SyncSettings {
  let transaction: any Transaction

  private enum Name: String {
    case features
    case totalExports = "export.total"
    case successfulExports = "export.successful"
  }

  /// What this tenant can do of all that Entra ID can.
  static let supported: DirsyncFeatures = [
    .passwordHashSync, .enableSoftMatchOnUPN, .enableForcedPasswordChange, .blockSoftMatch,
  ]
  /// Before anybody has set them.
  static let initial: DirsyncFeatures = [.enableSoftMatchOnUPN, .enableForcedPasswordChange]

  func features() throws -> DirsyncFeatures {
    try number(.features).map { DirsyncFeatures(rawValue: $0) } ?? Self.initial
  }

  func set(_ features: DirsyncFeatures) throws { try set(.features, features.rawValue) }

  func lastExport() throws -> (total: Int64, successful: Int64) {
    (try number(.totalExports) ?? 0, try number(.successfulExports) ?? 0)
  }

  func setLastExport(total: Int64, successful: Int64) throws {
    try set(.totalExports, total)
    try set(.successfulExports, successful)
  }

  private func number(_ name: Name) throws -> Int64? {
    let text: String? = try transaction.value("SELECT value FROM sync_setting WHERE name = ?", [.text(name.rawValue)])
    return text.flatMap { Int64($0) }
  }

  private func set(_ name: Name, _ value: Int64) throws {
    try transaction.run(
      """
      INSERT INTO sync_setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
      """, [.text(name.rawValue), .text(String(value))])
  }
}

extension TenantDirectory {
  /// The tenant's identifier where one has to be a GUID: made of its initial domain (RFC 9562 5.5, namespace of DNS names), so
  /// that it is the same for as long as the tenant lives.
  var tenantIdentifier: String {
    let namespace = Hex.decode("6ba7b8109dad11d180b400c04fd430c8") ?? []
    var bytes = Array(Insecure.SHA1.hash(data: namespace + Array(initialDomain.utf8)).prefix(16))
    bytes[6] = bytes[6] & 0x0f | 0x50
    bytes[8] = bytes[8] & 0x3f | 0x80
    return Identifier.text(bytes)
  }
}
