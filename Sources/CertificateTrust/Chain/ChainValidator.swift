// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import SwiftASN1
package import X509

/// The certificates that a peer presented, leaf first: believed by nobody yet.
package struct PresentedCertificates: Sendable {
  /// The most certificates that a peer may present; chain building tries the orders of those with equal names.
  package static let maximumCount = 8

  let leaf: Certificate
  let others: [Certificate]
  let leafDER: [UInt8]

  /// - Throws: ``TrustError`` with code `unsupportedCertificate` or `invalidChain`.
  package init(derEncoded certificates: [[UInt8]]) throws(TrustError) {
    guard let first = certificates.first else {
      throw TrustError(.invalidChain, "The peer presented no certificate.")
    }
    guard certificates.count <= Self.maximumCount else {
      throw TrustError(
        .invalidChain, "The peer presented \(certificates.count) certificates; the limit is \(Self.maximumCount).")
    }
    do {
      leaf = try Certificate(derEncoded: first)
    } catch {
      throw TrustError(.unsupportedCertificate, "The peer's certificate is not understood: \(error).")
    }
    leafDER = first
    // One that is not understood may not be needed.
    others = certificates.dropFirst().compactMap { try? Certificate(derEncoded: $0) }
  }
}

extension PresentedCertificates {
  /// The leaf's subject and issuer, for evidence.
  package var subject: String { "\(leaf.subject)" }
  package var issuer: String { "\(leaf.issuer)" }

  /// Where the leaf says that its revocation lists are (RFC 5280 4.2.1.13).
  package var revocationLocations: [String] {
    guard let named = leaf.extensions[oid: RevocationCheck.crlDistributionPoints],
      let points = try? DistributionPoint.points(named.value)
    else { return [] }
    return points.flatMap(\.locations)
  }

  /// Whether the leaf's issuer, presented beside it or trusted, signed the list; nil when its certificate is not at hand.
  package func isSigned(_ list: CertificateList, trusting anchors: TrustAnchors) -> Bool? {
    guard list.issuer == leaf.issuer else { return false }
    let issuers = (others + anchors.certificates).filter { $0.subject == leaf.issuer }
    return issuers.isEmpty ? nil : issuers.contains { list.isSigned(by: $0.publicKey) }
  }
}

/// A chain that passed every policy, and what was found about it.
package struct ValidatedPeer: Sendable {
  /// Leaf first, trust anchor last.
  package let chain: X509.ValidatedCertificateChain
  /// For each certificate but the trust anchor.
  package let revocation: [RevocationStatus]
  package let leafDER: [UInt8]
}

/// Decides whether a peer's certificates are to be trusted: RFC 5280 6.1, RFC 6125 6, and RFC 5280 6.3.
package struct ChainValidator: Sendable {
  /// What the certificate is presented for (RFC 5280 4.2.1.12).
  package enum Purpose: Sendable {
    case server(PeerName)
    case client
  }

  package let anchors: TrustAnchors
  package let revocation: RevocationPolicy
  private let now: @Sendable () -> Date

  package init(anchors: TrustAnchors, revocation: RevocationPolicy, now: @escaping @Sendable () -> Date) {
    self.anchors = anchors
    self.revocation = revocation
    self.now = now
  }

  /// Builds a chain to an anchor and holds it against every policy; lists are fetched last.
  ///
  /// - Throws: ``TrustError`` of the policy that refused.
  package func validate(
    _ presented: PresentedCertificates, for purpose: Purpose
  ) async throws(TrustError) -> ValidatedPeer {
    let findings = TrustFindings()
    var revocation = revocation
    revocation.verification = .init(
      anchors: anchors.certificates, presented: [presented.leaf] + presented.others, findings: findings)
    let result: CertificateValidationResult
    switch purpose {
    case .server(let name):
      var verifier = Verifier(rootCertificates: anchors.store) {
        BasicChainPolicy(now: now, findings: findings)
        ExtendedKeyUsagePolicy(purpose: .serverAuth, findings: findings)
        NamePolicy(name, findings: findings)
        revocation
      }
      result = await verifier.validate(leaf: presented.leaf, intermediates: CertificateStore(presented.others))
    case .client:
      var verifier = Verifier(rootCertificates: anchors.store) {
        BasicChainPolicy(now: now, findings: findings)
        ExtendedKeyUsagePolicy(purpose: .clientAuth, findings: findings)
        revocation
      }
      result = await verifier.validate(leaf: presented.leaf, intermediates: CertificateStore(presented.others))
    }
    switch result {
    case .validCertificate(let chain):
      return ValidatedPeer(chain: chain, revocation: findings.statuses, leafDER: presented.leafDER)
    case .couldNotValidate:
      throw findings.refusal ?? unknownIssuer(presented)
    }
  }

  /// No candidate chain reached a policy: the issuer is not known, or a critical extension is not.
  private func unknownIssuer(_ presented: PresentedCertificates) -> TrustError {
    let understood =
      BasicChainPolicy(now: now).verifyingCriticalExtensions + revocation.verifyingCriticalExtensions
      + [.X509ExtensionID.extendedKeyUsage, .X509ExtensionID.subjectAlternativeName]
    for certificate in [presented.leaf] + presented.others {
      if let unknown = certificate.extensions.first(where: { $0.critical && !understood.contains($0.oid) }) {
        return TrustError(
          .unsupportedCertificate,
          "The certificate \(certificate.subject) has the critical extension \(unknown.oid), which is not understood.")
      }
    }
    // A certificate out of its time hides behind a missing issuer only if its issuer is missing too.
    let top = presented.others.last { $0.subject == presented.leaf.issuer } ?? presented.leaf
    return TrustError(
      .unknownIssuer,
      "The certificate \(presented.leaf.subject) was issued by \(top.issuer), which is not among the trusted roots.")
  }
}
