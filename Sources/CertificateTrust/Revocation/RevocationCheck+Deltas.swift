// SPDX-License-Identifier: Apache-2.0

import Wire
import X509

/// Delta lists (RFC 5280 5.2.4).
extension RevocationCheck {
  struct Delta {
    var list: CertificateList
    var location: String
    var late: TrustError?
  }
  enum DeltaAnswer {
    case none
    case success(Delta)
    case failure(TrustError)
  }

  /// 6.3.3 (c): the delta list that the certificate or the complete list announces. One that is announced but cannot be had
  /// leaves the status open, since it may be the one that revokes.
  func delta(
    to complete: CertificateList, _ certificate: Certificate, _ issuer: Certificate, _ depth: Int
  ) async -> DeltaAnswer {
    var points = complete.freshestCRL
    if let announced = certificate.extensions[oid: CertificateList.Extensions.freshestCRLID] {
      do {
        points += try DistributionPoint.points(announced.value)
      } catch {
        return .failure(
          TrustError(.unsupportedCertificate, "The freshestCRL of \(certificate.subject) is malformed: \(error)."))
      }
    }
    var failure: TrustError?
    for location in points.flatMap(\.locations).prefix(Self.maximumLocations) {
      do throws(TrustError) {
        let answer = try await cache.list(at: location) { list throws(TrustError) in
          try await self.verify(list, at: location, issuer: issuer, depth: depth)
        }
        try combine(answer.list, with: complete, at: location)
        return .success(Delta(list: answer.list, location: location, late: try freshness(answer, at: location)))
      } catch {
        failure = failure ?? error
      }
    }
    return failure.map { .failure($0) } ?? .none
  }

  /// RFC 5280 5.2.4: the conditions under which a delta list and a complete list may be combined.
  func combine(
    _ delta: CertificateList, with complete: CertificateList, at location: String
  ) throws(TrustError) {
    func refuse(_ why: String) -> TrustError {
      TrustError(.listOutOfScope, "The delta CRL at \(location) does not fit the complete one: \(why).")
    }
    guard let base = delta.baseCRLNumber, let number = delta.crlNumber else { throw refuse("it has no base number") }
    guard let completeNumber = complete.crlNumber else { throw refuse("the complete one has no number") }
    guard delta.issuer == complete.issuer else { throw refuse("another issuer") }
    guard delta.issuingDistributionPoint == complete.issuingDistributionPoint else { throw refuse("another scope") }
    guard delta.authorityKeyIdentifier == complete.authorityKeyIdentifier else { throw refuse("another key") }
    guard !CertificateList.precedes(completeNumber, base) else { throw refuse("it builds on a newer one") }
    guard !CertificateList.precedes(number, completeNumber) else { throw refuse("it is older than the complete one") }
  }
}
