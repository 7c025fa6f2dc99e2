// SPDX-License-Identifier: Apache-2.0

import Wire

/// `bridgehead.yaml` as values, after validation. The schema documents each property.
struct Configuration: Codable, Sendable {
  var version: Int
  var dns: DNS?
  var trust: Trust?
  var httpProxy: HTTPProxy?
  var connect: ConnectSection?
  var tenant: TenantSection?
  var metrics: Metrics?

  struct DNS: Codable, Sendable {
    var servers: [String]?
  }

  struct Trust: Codable, Sendable {
    var roots: [String]?
    var revocation: String?
    var revocationGrace: String?
    var revocationCache: String?
  }

  struct HTTPProxy: Codable, Sendable {
    var address: String
    var user: String?
    var password: SecretReference?
    var except: [String]?
  }

  struct ConnectSection: Codable, Sendable {
    var database: String
    var mode: String?
    var schedule: Schedule?
    var passwordInterval: String?
    var forests: [Forest]
    var rules: String?
    var joinUsersBy: [String]?
    var devices: Bool?
    var target: Target?
    var targets: [Target]?
    var readTargetsEvery: String?
    var `guard`: Guard?
    var writeback: Writeback?

    /// `targets`, or `target` as the short form of one.
    var allTargets: [Target] { targets ?? target.map { [$0] } ?? [] }
  }

  struct Writeback: Codable, Sendable {
    var key: String
    var perUser: Int?
    var perHour: Int?
    var concurrency: Int?
  }

  struct Schedule: Codable, Sendable {
    var interval: String?
    var full: String?
  }

  struct Forest: Codable, Sendable {
    var name: String
    var domains: [String]?
    var domainControllers: [String]?
    var site: String?
    var transport: String?
    var credentials: Credentials
    var passwordCredentials: Credentials?
    var writebackCredentials: Credentials?
    var writebackUnits: OrganizationalUnits?
    var organizationalUnits: OrganizationalUnits?
    var writeSourceAnchors: Bool?
    var globalCatalog: Bool?
    var seamlessSSO: SeamlessSSO?
  }

  struct SeamlessSSO: Codable, Sendable {
    var rollEvery: String
    var tokenFile: String
    var credentials: Credentials
    var domain: String?
    var account: String?
    var target: String?
  }

  struct Credentials: Codable, Sendable {
    var principal: String
    var keytab: String?
    var password: SecretReference?
    var clockSkew: String?
  }

  struct OrganizationalUnits: Codable, Sendable {
    var include: [String]?
    var exclude: [String]?
  }

  struct Target: Codable, Sendable {
    var name: String?
    var kind: String?
    var url: String
    var token: SecretReference?
    var passwordToken: SecretReference?
    var signIn: SignIn?
    var passwords: Bool?
    var writebackToken: SecretReference?
    var verifiedDomains: [String]
    var initialDomain: String
    var concurrency: Int?
    var requestTimeout: String?

    /// By which the target is known in the database.
    var key: String { name ?? "cloud" }
  }

  /// How Connect signs in to a target of kind sync-api.
  struct SignIn: Codable, Sendable {
    var authority: String
    var clientID: String
    var certificate: String?
    var key: String?
    var refreshToken: String?
    var scope: String?
  }

  struct Guard: Codable, Sendable {
    var deletions: Int?
    var deletionPercent: Int?
    var memberRemovals: Int?
    var memberRemovalPercent: Int?
    var groupRemovalPercent: Int?
    var deletionFloor: Int?
    var memberRemovalFloor: Int?
    var groupRemovalFloor: Int?
    var smallGroup: Int?
    var clearedValues: Int?
    var window: String?
  }

  struct TenantSection: Codable, Sendable {
    var database: String
    var listen: String
    var certificate: String
    var key: String
    var sealingKey: String?
    var url: String?
    var requestsPerMinute: Int?
    var maximumBodyBytes: Int?
  }

  struct Metrics: Codable, Sendable {
    var listen: String
  }
}
