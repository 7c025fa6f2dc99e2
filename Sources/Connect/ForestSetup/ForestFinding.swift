// SPDX-License-Identifier: Apache-2.0

import Wire

/// What one check of a forest found.
package struct ForestFinding: Sendable, Encodable, Equatable {
  package enum Verdict: String, Sendable, Codable {
    case passed
    /// A right is not there; ``ForestFinding/grants`` give it.
    case missing
    /// The check could not be made, or what it needs does not work.
    case failed
  }

  package enum Check: String, Sendable, Codable {
    case domainControllers
    case signIn
    case securityAuthority
    case replicationService
    case globalCatalog
    case identity
    case right
  }

  package var check: Check
  /// Whose account it is about.
  package var role: ForestRole?
  /// The domain, controller or object.
  package var subject: String
  /// Of checks of rights.
  package var right: ForestRight?
  package var verdict: Verdict
  package var message: String
  package var remedy: String?
  package var grant: GrantCommand?

  package init(
    _ check: Check, _ role: ForestRole?, _ subject: String, _ verdict: Verdict, _ message: String,
    remedy: String? = nil,
    right: ForestRight? = nil, grant: GrantCommand? = nil
  ) {
    self.check = check
    self.role = role
    self.subject = subject
    self.verdict = verdict
    self.message = message
    self.remedy = remedy
    self.right = right
    self.grant = grant
  }

  /// A check that an error ended.
  init(_ check: Check, _ role: ForestRole?, _ subject: String, error: any Error) {
    let known = error as? any DiagnosableError
    self.init(
      check, role, subject, .failed, known?.message ?? "\(error)",
      remedy: known?.remedy ?? "Run the command again with --log-level debug.")
  }
}

/// What a forest is, and whether its accounts can do what they are meant for.
package struct ForestReport: Sendable, Encodable, Equatable {
  package struct Controller: Sendable, Encodable, Equatable {
    package var host: String
    package var site: String
    package var isGlobalCatalog: Bool
    package var isPDC: Bool
    /// Whether DNS names it and it answered.
    package var answers: Bool
  }

  package struct Domain: Sendable, Encodable, Equatable {
    package var name: String
    package var base: String
    package var netBIOSName: String
    package var identifier: String
    package var guid: String?
    package var controllers: [Controller] = []
  }

  package struct Trust: Sendable, Encodable, Equatable {
    package enum Direction: String, Sendable, Codable { case none, inbound, outbound, both }
    package var domain: String
    package var name: String
    package var direction: Direction
    /// Whether it reaches all domains of the other forest (MS-ADTS 6.1.6.7.9, TRUST_ATTRIBUTE_FOREST_TRANSITIVE).
    package var isForestTrust: Bool
  }

  package var forest: String
  package var accounts: [String: String] = [:]
  package var domains: [Domain] = []
  package var trusts: [Trust] = []
  package var findings: [ForestFinding] = []
  /// Whether the controllers are Samba's: the commands shown are for its shell.
  package var isSamba = false

  package init(forest: String) { self.forest = forest }

  package var missing: [ForestFinding] { findings.filter { $0.verdict == .missing } }
  package var failed: [ForestFinding] { findings.filter { $0.verdict == .failed } }
}
