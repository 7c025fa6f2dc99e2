// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import Store
import Wire

/// What the directory takes from outside: the time, random bytes and the key that its secrets are sealed with.
package struct TenantEnvironment: Sendable {
  package var now: @Sendable () -> Date
  /// Cryptographically secure bytes, as many as asked for.
  package var random: @Sendable (Int) -> [UInt8]
  package var sealingKey: SealingKey

  package init(
    now: @escaping @Sendable () -> Date, random: @escaping @Sendable (Int) -> [UInt8], sealingKey: SealingKey
  ) {
    self.now = now
    self.random = random
    self.sealingKey = sealingKey
  }
}

/// The embedded cloud directory: users, groups, contacts, devices and members, verified domains, bearer tokens and the audit log.
///
/// It is a value over a ``Store``; the command line and the server may use one file at the same time.
package struct TenantDirectory: Sendable {
  package let store: any Store
  package let environment: TenantEnvironment
  package let limits: TenantLimits
  /// The tenant's own domain, which never changes; also its name in the addresses of the sign-in service.
  package let initialDomain: String

  /// Takes a store that was opened with ``migrations``.
  ///
  /// - Throws: ``TenantError`` `notInitialised` when the tenant has no initial domain yet.
  package init(store: any Store, environment: TenantEnvironment, limits: TenantLimits = TenantLimits()) async throws {
    self.store = store
    self.environment = environment
    self.limits = limits
    let initial = try await store.read {
      try $0.value("SELECT name FROM domain WHERE initial = 1", as: String.self)
    }
    guard let initial else {
      throw TenantError(
        .notInitialised, "The tenant has no initial domain yet.",
        remedy: "Run `bridgehead tenant init --domain NAME`, for example contoso.onbridgehead.example.")
    }
    initialDomain = initial
  }

  /// Makes an empty store a tenant with a verified initial domain, which cannot be removed later.
  ///
  /// - Throws: ``TenantError`` `alreadyInitialised`, `invalidDomain`.
  package static func initialise(
    store: any Store, domain: String, environment: TenantEnvironment, limits: TenantLimits = TenantLimits()
  ) async throws -> TenantDirectory {
    let name = try DomainName(domain)
    let now = environment.now().milliseconds
    try await store.write(durability: .full) { transaction in
      if let initial: String = try transaction.value("SELECT name FROM domain WHERE initial = 1") {
        throw TenantError(
          .alreadyInitialised, "This is already the tenant of \(initial).",
          remedy: "Use it as it is, or name another database file.")
      }
      try transaction.run(
        "INSERT INTO domain (name, initial, proof, added, verified) VALUES (?, 1, '', ?, ?)",
        [.text(name.text), .integer(now), .integer(now)])
    }
    return try await TenantDirectory(store: store, environment: environment, limits: limits)
  }
}

extension Date {
  /// Milliseconds since 1970, as the store keeps times.
  var milliseconds: Int64 { Int64(clamping: Int((timeIntervalSince1970 * 1000).rounded(.down))) }

  init(milliseconds: Int64) { self.init(timeIntervalSince1970: Double(milliseconds) / 1000) }
}
