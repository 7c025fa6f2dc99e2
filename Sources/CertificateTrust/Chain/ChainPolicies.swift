// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SwiftASN1
import Wire
@_spi(DisableValidityCheck) import X509

/// RFC 5280 6.1.3 (a)(2): every certificate of the chain is in its time.
struct ValidityPolicy: VerifierPolicy, Sendable {
  let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = []
  var now: @Sendable () -> Date
  var findings: TrustFindings?

  func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
    let now = now()
    for certificate in chain {
      let error: TrustError
      if now < certificate.notValidBefore {
        error = TrustError(
          .notYetValid,
          "The certificate \(certificate.subject) is valid only from \(certificate.notValidBefore.formatted(.iso8601)); "
            + "it is \(now.formatted(.iso8601)) here.")
      } else if now > certificate.notValidAfter {
        error = TrustError(
          .expired,
          "The certificate \(certificate.subject) expired on \(certificate.notValidAfter.formatted(.iso8601)).")
      } else {
        continue
      }
      findings?.refuse(error)
      return .failsToMeetPolicy(reason: error.message)
    }
    return .meetsPolicy
  }
}

/// RFC 5280 6.1: the time against an injected clock (``ValidityPolicy``), signature algorithms that still hold, and
/// swift-certificates' rules for the rest.
struct BasicChainPolicy: VerifierPolicy, Sendable {
  let verifyingCriticalExtensions: [ASN1ObjectIdentifier]
  private let validity: ValidityPolicy
  private var rfc5280 = RFC5280Policy.withValidityCheckDisabled()
  private let findings: TrustFindings?

  init(now: @escaping @Sendable () -> Date, findings: TrustFindings? = nil) {
    validity = ValidityPolicy(now: now, findings: findings)
    self.findings = findings
    verifyingCriticalExtensions = rfc5280.verifyingCriticalExtensions
  }

  func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
    if case .failsToMeetPolicy(let reason) = validity.chainMeetsPolicyRequirements(chain: chain) {
      return .failsToMeetPolicy(reason: reason)
    }
    // The trust anchor's own signature proves nothing and is not looked at.
    for certificate in chain.dropLast() where certificate.signatureAlgorithm == .sha1WithRSAEncryption {
      let error = TrustError(
        .invalidChain, "The certificate \(certificate.subject) is signed with SHA-1, which can be forged.",
        remedy: "Reissue it with SHA-256.")
      findings?.refuse(error)
      return .failsToMeetPolicy(reason: error.message)
    }
    if case .failsToMeetPolicy(let reason) = rfc5280.chainMeetsPolicyRequirements(chain: chain) {
      findings?.refuse(
        TrustError(.invalidChain, "The chain of \(chain.leaf.subject) breaks a rule of RFC 5280: \(reason)."))
      return .failsToMeetPolicy(reason: reason)
    }
    return .meetsPolicy
  }
}

/// RFC 5280 4.2.1.12: a leaf that names purposes names this one.
struct ExtendedKeyUsagePolicy: VerifierPolicy, Sendable {
  let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [.X509ExtensionID.extendedKeyUsage]
  var purpose: ExtendedKeyUsage.Usage
  var findings: TrustFindings

  func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
    guard chain.leaf.extensions[oid: .X509ExtensionID.extendedKeyUsage] != nil else { return .meetsPolicy }
    if let usages = try? chain.leaf.extensions.extendedKeyUsage,
      usages.contains(purpose) || usages.contains(.any)
    {
      return .meetsPolicy
    }
    let error = TrustError(
      .wrongUsage, "The certificate \(chain.leaf.subject) is not issued for \(purpose).")
    findings.refuse(error)
    return .failsToMeetPolicy(reason: error.message)
  }
}

/// RFC 6125 6: the leaf carries the name, or the address, that was asked for.
struct NamePolicy: VerifierPolicy, Sendable {
  private var identity: ServerIdentityPolicy
  private let name: PeerName
  private let findings: TrustFindings

  init(_ name: PeerName, findings: TrustFindings) {
    self.name = name
    self.findings = findings
    identity = ServerIdentityPolicy(serverHostname: name.host, serverIP: name.address)
  }

  var verifyingCriticalExtensions: [ASN1ObjectIdentifier] { identity.verifyingCriticalExtensions }

  mutating func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
    let result = identity.chainMeetsPolicyRequirements(chain: chain)
    if case .failsToMeetPolicy = result {
      findings.refuse(
        TrustError(
          .wrongName,
          "The certificate \(chain.leaf.subject) is not for \(name); it is for \(Self.names(of: chain.leaf)).")
      )
    }
    return result
  }

  private static func names(of leaf: Certificate) -> String {
    let names = ((try? leaf.extensions.subjectAlternativeNames) ?? SubjectAlternativeNames()).compactMap {
      name -> String? in
      switch name {
      case .dnsName(let host): host
      case .ipAddress(let bytes): NumericAddress.text(bytes.bytes)
      default: nil
      }
    }
    return names.isEmpty ? "no name at all" : names.joined(separator: ", ")
  }
}
