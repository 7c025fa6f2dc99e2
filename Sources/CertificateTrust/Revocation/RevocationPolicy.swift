// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import Logging
package import SwiftASN1
package import X509

/// Whether a certificate chain is free of revoked certificates, from the lists that the certificates themselves name.
///
/// The one policy for every TLS connection of the product: the cloud, LDAPS, and client certificates alike. It goes last in
/// a chain of policies, so that no list is fetched for a chain that is refused anyway.
package struct RevocationPolicy: VerifierPolicy, Sendable {
  /// How much is made of a status that cannot be found out.
  package enum Mode: String, Sendable, Codable, CaseIterable {
    /// A chain whose status cannot be found out is refused.
    case require
    /// A chain whose status cannot be found out is accepted, with a warning; a revoked one is refused.
    case prefer
    /// No list is fetched.
    case off
  }

  /// A day: long enough for a certificate authority's bad night, short against the usual week of a list.
  package static let defaultGrace: TimeInterval = 86_400
  /// The longest grace that may be configured, in seconds: a week.
  package static let maximumGrace: TimeInterval = 7 * 86_400

  package let mode: Mode
  /// Seconds after `nextUpdate` for which a list is still believed when no newer one can be had.
  package let grace: TimeInterval
  let cache: RevocationListCache?
  /// Locations for certificates that name none.
  let fallbackLocations: [String]
  /// Certificates of authorities that sign indirect lists.
  let listIssuers: [Certificate]
  let now: @Sendable () -> Date
  let log: Logger

  /// What one verification brings: the certificates that may sign lists, and where the statuses are noted.
  struct Verification: Sendable {
    var anchors: [Certificate]
    var presented: [Certificate]
    var findings: TrustFindings
  }
  var verification = Verification(anchors: [], presented: [], findings: TrustFindings())

  package static let off = RevocationPolicy()

  private init() {
    mode = .off
    grace = 0
    cache = nil
    fallbackLocations = []
    listIssuers = []
    now = { .distantPast }
    log = Logger(label: "bridgehead.trust")
  }

  /// - Parameters:
  ///   - grace: seconds; clamped to 0...``maximumGrace``.
  ///   - fallbackLocations: CRL locations for certificates without a distribution point.
  ///   - listIssuers: certificates of authorities that sign indirect lists and that peers do not send.
  package init(
    _ mode: Mode, cache: RevocationListCache, grace: TimeInterval = defaultGrace, fallbackLocations: [String] = [],
    listIssuers: [Certificate] = [], now: @escaping @Sendable () -> Date,
    log: Logger = Logger(label: "bridgehead.trust")
  ) {
    self.mode = mode
    self.cache = cache
    self.grace = min(max(grace, 0), Self.maximumGrace)
    self.fallbackLocations = fallbackLocations
    self.listIssuers = listIssuers
    self.now = now
    self.log = log
  }

  /// `cRLDistributionPoints` may be critical: this policy understands it. Both are understood in mode `off` too, since
  /// they restrict nothing but revocation checking.
  package var verifyingCriticalExtensions: [ASN1ObjectIdentifier] {
    [RevocationCheck.crlDistributionPoints, CertificateList.Extensions.freshestCRLID]
  }

  package mutating func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) async -> PolicyEvaluationResult
  {
    let certificates = Array(chain)
    var statuses: [RevocationStatus] = []
    defer { verification.findings.note(statuses) }
    guard mode != .off, let cache else {
      statuses = certificates.dropLast().map { _ in .unchecked }
      return .meetsPolicy
    }
    let check = RevocationCheck(policy: self, cache: cache, chain: certificates)
    // The last certificate is the trust anchor: it is trusted by configuration, and no one could revoke it but itself.
    for index in certificates.indices.dropLast() {
      let status = await check.status(of: certificates[index], issuer: certificates[index + 1])
      statuses.append(status)
      switch status {
      case .good(_, let grace):
        if let grace { log.warning("CRL used past its time", metadata: ["reason": "\(grace)"]) }
      case .unchecked: break
      case .revoked(let revocation):
        return refuse(Self.error(certificates[index], revocation))
      case .undetermined(let error):
        if mode == .require { return refuse(error) }
        log.warning("revocation not checked", metadata: ["reason": "\(error)"])
      }
    }
    return .meetsPolicy
  }

  private func refuse(_ error: TrustError) -> PolicyEvaluationResult {
    verification.findings.refuse(error)
    return .failsToMeetPolicy(reason: error.message)
  }

  private static func error(_ certificate: Certificate, _ revocation: Revocation) -> TrustError {
    TrustError(
      .revoked,
      "The certificate \(certificate.subject) with serial number \(revocation.serial) was revoked on "
        + "\(revocation.date.formatted(.iso8601)) (\(revocation.reason.name)) by \(certificate.issuer).",
      revocation: revocation)
  }
}
