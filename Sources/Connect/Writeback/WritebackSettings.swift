// SPDX-License-Identifier: Apache-2.0

package import PasswordWriteback

/// What this server lets a tenant ask for. The tenant has no say in it.
package struct WritebackSettings: Sendable {
  /// The name of the target that may ask, and its initial domain.
  package var target: String
  package var tenant: String
  package var key: ConnectorPrivateKey
  /// Attempts for one user in an hour.
  package var perUser: Int
  /// Requests of any kind in an hour.
  package var total: Int
  /// Requests that are carried out at a time.
  package var concurrency: Int

  package static let defaultPerUser = 5
  package static let defaultTotal = 300
  /// Each has a session or two with a domain controller.
  package static let defaultConcurrency = 8
  /// Requests in hand, under way or waiting for their turn: each has about 4 KiB. Further ones wait at the tenant.
  static let inHand = 256
  /// Within this time everything is ready for the one call that changes something, in seconds, or nothing is changed: below
  /// the time that a person waits at the tenant.
  static let preparationTime: Double = 25
  /// What both limits count, in seconds.
  static let period: Double = 3600
  /// A request that claims to be valid for longer than this is not from a tenant of ours, in seconds. Nonces are
  /// remembered for much longer, so none can be used twice.
  static let longestLifetime: Double = 600
  /// How long requests are remembered, in seconds.
  static let memory: Double = 30 * 86_400

  package init(
    target: String, tenant: String, key: ConnectorPrivateKey, perUser: Int = defaultPerUser,
    total: Int = defaultTotal, concurrency: Int = defaultConcurrency
  ) {
    self.target = target
    self.tenant = tenant
    self.key = key
    self.perUser = perUser
    self.total = total
    self.concurrency = max(1, concurrency)
  }
}
