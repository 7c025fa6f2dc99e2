// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SwiftASN1
import Wire
import X509

/// RFC 5280 6.3.3: the processing of revocation lists for one certificate of a chain.
struct RevocationCheck: Sendable {
  static let crlDistributionPoints: ASN1ObjectIdentifier = [2, 5, 29, 31]
  /// The most distribution points and locations that are tried for one certificate.
  static let maximumPoints = 8
  static let maximumLocations = 8
  /// How often a list's signer is checked against a list of its own: indirect lists are signed by a certificate that an
  /// authority of the same tree issued.
  static let maximumDepth = 2
  /// Seconds by which a list may seem to come from the future: clocks differ.
  static let clockTolerance: TimeInterval = 300

  let policy: RevocationPolicy
  let cache: RevocationListCache
  /// The certificate's chain, trust anchor last.
  let chain: [Certificate]

  /// What one distribution point says.
  private enum Verdict {
    case revoked(Revocation)
    case clear(ReasonFlags, until: Date, grace: TrustError?)
  }

  func status(of certificate: Certificate, issuer: Certificate, depth: Int = 0) async -> RevocationStatus {
    let points: [DistributionPoint]
    do {
      points = try distributionPoints(of: certificate)
    } catch {
      return .undetermined(
        TrustError(
          .unsupportedCertificate, "The CRL distribution points of \(certificate.subject) are malformed: \(error)."))
    }
    guard !points.isEmpty else {
      return .undetermined(
        TrustError(.noDistributionPoint, "The certificate \(certificate.subject) names no CRL distribution point."))
    }
    var covered: ReasonFlags = []
    var until = Date.distantFuture
    var grace: TrustError?
    var failure: TrustError?
    for point in points.prefix(Self.maximumPoints) {
      do throws(TrustError) {
        switch try await consult(point, certificate, issuer, depth) {
        case .revoked(let revocation): return .revoked(revocation)
        case .clear(let reasons, let next, let late):
          covered.formUnion(reasons)
          until = min(until, next)
          grace = grace ?? late
        }
      } catch {
        failure = failure ?? error
      }
      if covered == .all { return .good(until: until, grace: grace) }
    }
    return .undetermined(
      failure
        ?? TrustError(
          .listOutOfScope, "The CRLs of \(certificate.subject) do not cover every reason for a revocation."))
  }

  private func distributionPoints(of certificate: Certificate) throws -> [DistributionPoint] {
    if let named = certificate.extensions[oid: Self.crlDistributionPoints] {
      return try DistributionPoint.points(named.value)
    }
    return policy.fallbackLocations.map { DistributionPoint(name: .fullName([.uniformResourceIdentifier($0)])) }
  }

  /// Tries a point's locations in order until one yields a usable list.
  private func consult(
    _ point: DistributionPoint, _ certificate: Certificate, _ issuer: Certificate, _ depth: Int
  ) async throws(TrustError) -> Verdict {
    var failure: TrustError?
    for location in point.locations.prefix(Self.maximumLocations) {
      do throws(TrustError) {
        return try await consult(location, point, certificate, issuer, depth)
      } catch {
        failure = failure ?? error
      }
    }
    throw failure
      ?? TrustError(
        .noDistributionPoint, "A CRL distribution point of \(certificate.subject) names no location to fetch from.")
  }

  private func consult(
    _ location: String, _ point: DistributionPoint, _ certificate: Certificate, _ issuer: Certificate, _ depth: Int
  ) async throws(TrustError) -> Verdict {
    let answer = try await cache.list(at: location) { list throws(TrustError) in
      guard list.baseCRLNumber == nil else {
        throw TrustError(.listOutOfScope, "The CRL at \(location) is a delta CRL; a complete one is expected there.")
      }
      try await self.verify(list, at: location, issuer: issuer, depth: depth)
    }
    let list = answer.list
    let reasons = try scope(of: list, at: location, point, certificate)
    let late = try freshness(answer, at: location)

    // 6.3.3 (i), (j), (k): the delta list speaks first, then the complete one.
    let complete = try entry(list, location, certificate)
    switch await delta(to: list, certificate, issuer, depth) {
    case .none:
      if let complete { return .revoked(complete) }
      return .clear(reasons, until: list.nextUpdate, grace: late)
    case .success(let delta):
      if let change = try entry(delta.list, delta.location, certificate) {
        if change.reason != .removeFromCRL { return .revoked(change) }
      } else if let complete {
        return .revoked(complete)
      }
      return .clear(reasons, until: min(list.nextUpdate, delta.list.nextUpdate), grace: late ?? delta.late)
    case .failure(let error):
      if let complete { return .revoked(complete) }
      throw error
    }
  }

  private func entry(
    _ list: CertificateList, _ location: String, _ certificate: Certificate
  ) throws(TrustError) -> Revocation? {
    do {
      return try list.entry(serial: certificate.serialNumber.bytes, issuer: certificate.issuer).map {
        Revocation(
          serial: Hex.encode(CertificateList.trimmed(certificate.serialNumber.bytes)), date: $0.revocationDate,
          reason: $0.reason)
      }
    } catch {
      throw TrustError(.listMalformed, "The CRL at \(location) has a malformed entry: \(error).")
    }
  }

  /// 6.3.3 (b), (d), (e): whether the list is one for this certificate, and the reasons that it covers.
  private func scope(
    of list: CertificateList, at location: String, _ point: DistributionPoint, _ certificate: Certificate
  ) throws(TrustError) -> ReasonFlags {
    func refuse(_ why: String) -> TrustError {
      TrustError(.listOutOfScope, "The CRL at \(location) does not cover \(certificate.subject): \(why).")
    }
    let scope = list.issuingDistributionPoint
    if point.crlIssuer.isEmpty {
      guard list.issuer == certificate.issuer else { throw refuse("it was issued by \(list.issuer)") }
    } else {
      guard point.crlIssuer.contains(.directoryName(list.issuer)) else {
        throw refuse("it was issued by \(list.issuer), which the certificate does not name")
      }
      guard list.issuer == certificate.issuer || scope?.indirectCRL == true else {
        throw refuse("it is another authority's list and not marked as indirect")
      }
    }
    guard let scope else { return point.reasons ?? .all }
    if let name = scope.name {
      let expected = point.name ?? (point.crlIssuer.isEmpty ? nil : .fullName(point.crlIssuer))
      guard let expected, expected.intersects(name) else { throw refuse("its distribution point is another one") }
    }
    let isAuthority = isCertificateAuthority(certificate)
    if scope.onlyContainsUserCerts, isAuthority { throw refuse("it lists end entities only") }
    if scope.onlyContainsCACerts, !isAuthority { throw refuse("it lists authorities only") }
    if scope.onlyContainsAttributeCerts { throw refuse("it lists attribute certificates only") }
    return (point.reasons ?? .all).intersection(scope.onlySomeReasons ?? .all)
  }

  func isCertificateAuthority(_ certificate: Certificate) -> Bool {
    guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints else { return false }
    return true
  }

  /// Nil for a list in its time, the reason for grace for one that is still believed.
  func freshness(_ answer: RevocationListCache.Answer, at location: String) throws(TrustError) -> TrustError? {
    let now = policy.now()
    let list = answer.list
    guard list.thisUpdate <= now.addingTimeInterval(Self.clockTolerance) else {
      throw TrustError(
        .listStale, "The CRL at \(location) begins in the future, on \(list.thisUpdate.formatted(.iso8601)).",
        remedy: "Correct this machine's clock or the certificate authority's.")
    }
    guard now >= list.nextUpdate else { return nil }
    let because = answer.failure.map { " A newer one cannot be had: \($0.message)" } ?? ""
    let stale = TrustError(
      .listStale,
      "The CRL at \(location) was to be replaced by \(list.nextUpdate.formatted(.iso8601)).\(because)")
    guard now < list.nextUpdate.addingTimeInterval(policy.grace) else {
      // Who cannot be reached is the better diagnosis than what is therefore old.
      throw answer.failure ?? stale
    }
    return stale
  }
}
