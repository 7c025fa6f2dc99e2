// SPDX-License-Identifier: Apache-2.0

import SwiftASN1
import Wire
import X509

/// Who signed a list, and whether they may.
extension RevocationCheck {
  /// 6.3.3 (f), (g): a list is believed when a certificate of its issuer's name signed it that is in the chain, or that
  /// chains to the same trust anchor.
  func verify(
    _ list: CertificateList, at location: String, issuer: Certificate, depth: Int
  ) async throws(TrustError) {
    let inChain = ([issuer] + chain).filter { $0.subject == list.issuer }
    for signer in inChain where maySignLists(signer) {
      if await cache.isSigned(list, by: signer.publicKey) { return }
    }

    let others = policy.verification.presented + policy.listIssuers + policy.verification.anchors
    let outside = others.filter { $0.subject == list.issuer }
    for signer in outside where maySignLists(signer) {
      guard await cache.isSigned(list, by: signer.publicKey) else { continue }
      return try await validate(signer, at: location, depth: depth)
    }
    throw TrustError(
      .listBadSignature,
      inChain.isEmpty && outside.isEmpty
        ? "The CRL at \(location) is signed by \(list.issuer), whose certificate is not known."
        : "The signature of the CRL at \(location) was not made by \(list.issuer).")
  }

  private func maySignLists(_ certificate: Certificate) -> Bool {
    guard let usage = try? certificate.extensions.keyUsage else {
      return certificate.extensions[oid: .X509ExtensionID.keyUsage] == nil
    }
    return usage.cRLSign
  }

  private func validate(_ signer: Certificate, at location: String, depth: Int) async throws(TrustError) {
    guard let anchor = chain.last, depth < Self.maximumDepth else {
      throw TrustError(.listBadSignature, "The signer of the CRL at \(location) is itself signed too indirectly.")
    }
    var verifier = Verifier(rootCertificates: CertificateStore([anchor])) {
      BasicChainPolicy(now: policy.now)
    }
    let known = CertificateStore(chain.dropLast() + policy.verification.presented + policy.listIssuers)
    guard case .validCertificate(let signerChain) = await verifier.validate(leaf: signer, intermediates: known) else {
      throw TrustError(
        .listBadSignature,
        "The signer of the CRL at \(location), \(signer.subject), does not chain to \(anchor.subject).")
    }
    guard signerChain.count > 1, signer.extensions[oid: Self.crlDistributionPoints] != nil else { return }
    let check = RevocationCheck(policy: policy, cache: cache, chain: Array(signerChain))
    switch await check.status(of: signer, issuer: signerChain[1], depth: depth + 1) {
    case .good, .unchecked: break
    case .revoked:
      throw TrustError(.listBadSignature, "The signer of the CRL at \(location), \(signer.subject), is itself revoked.")
    case .undetermined(let error): throw error
    }
  }
}
