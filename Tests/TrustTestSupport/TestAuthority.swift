// SPDX-License-Identifier: Apache-2.0

import Crypto
package import FoundationEssentials
package import SwiftASN1
package import X509

/// A certificate authority made in the test.
package struct TestAuthority: Sendable {
  package let certificate: Certificate
  package let key: Certificate.PrivateKey
  package let algorithm: Certificate.SignatureAlgorithm

  /// One instant for every test: 2026-06-15 12:00:00 UTC.
  package static let now = Date(timeIntervalSince1970: 1_781_524_800)
  package static let day: TimeInterval = 86_400

  /// A self-signed root.
  package init(
    _ name: String, key: Certificate.PrivateKey = .init(P256.Signing.PrivateKey()),
    algorithm: Certificate.SignatureAlgorithm = .ecdsaWithSHA256
  ) throws {
    self.key = key
    self.algorithm = algorithm
    let subject = try DistinguishedName { CommonName(name) }
    certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: key.publicKey,
      notValidBefore: Self.now - 3650 * Self.day, notValidAfter: Self.now + 3650 * Self.day, issuer: subject,
      subject: subject, signatureAlgorithm: algorithm,
      extensions: Certificate.Extensions {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
        Critical(KeyUsage(keyCertSign: true, cRLSign: true))
        SubjectKeyIdentifier(hash: key.publicKey)
      }, issuerPrivateKey: key)
  }

  private init(certificate: Certificate, key: Certificate.PrivateKey, algorithm: Certificate.SignatureAlgorithm) {
    self.certificate = certificate
    self.key = key
    self.algorithm = algorithm
  }

  /// What a certificate is to be like.
  package struct Request: Sendable {
    package var serial: Certificate.SerialNumber = .init()
    package var names: [String] = []
    package var addresses: [[UInt8]] = []
    package var notBefore = TestAuthority.now - 30 * TestAuthority.day
    package var notAfter = TestAuthority.now + 30 * TestAuthority.day
    package var usages: [ExtendedKeyUsage.Usage] = [.serverAuth]
    /// Each inner array is one distribution point with its locations.
    package var points: [[String]] = []
    /// The whole value of cRLDistributionPoints instead.
    package var rawPoints: [UInt8]?
    package var freshest: [String] = []
    package var isAuthority = false
    package var signsLists = true
    package var extra: [Certificate.Extension] = []
    package init() {}
  }

  /// A certificate with a fresh P-256 key.
  package func issue(_ name: String, _ edit: (inout Request) -> Void = { _ in }) throws -> TestIdentity {
    var request = Request()
    edit(&request)
    let key = P256.Signing.PrivateKey()
    return TestIdentity(
      certificate: try issue(name, request, publicKey: .init(key.publicKey)), key: .init(key),
      pem: key.pemRepresentation)
  }

  /// An authority below this one.
  package func issueAuthority(_ name: String, _ edit: (inout Request) -> Void = { _ in }) throws -> TestAuthority {
    var request = Request()
    request.isAuthority = true
    request.usages = []
    edit(&request)
    let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    return TestAuthority(
      certificate: try issue(name, request, publicKey: key.publicKey), key: key, algorithm: .ecdsaWithSHA256)
  }

  package static let distributionPointsID: ASN1ObjectIdentifier = [2, 5, 29, 31]
  package static let freshestID: ASN1ObjectIdentifier = [2, 5, 29, 46]

  private func issue(
    _ name: String, _ request: Request, publicKey: Certificate.PublicKey
  ) throws -> Certificate {
    var extensions = try Certificate.Extensions {
      if request.isAuthority {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
        Critical(KeyUsage(keyCertSign: true, cRLSign: request.signsLists))
      } else {
        Critical(BasicConstraints.notCertificateAuthority)
        Critical(KeyUsage(digitalSignature: true))
      }
      SubjectKeyIdentifier(hash: publicKey)
    }
    try extensions.append(Certificate.Extension(AuthorityKeyIdentifier(keyIdentifier: keyIdentifier), critical: false))
    if !request.usages.isEmpty {
      try extensions.append(Certificate.Extension(ExtendedKeyUsage(request.usages), critical: false))
    }
    let names =
      request.names.map { GeneralName.dnsName($0) }
      + request.addresses.map { GeneralName.ipAddress(ASN1OctetString(contentBytes: $0[...])) }
    if !names.isEmpty { try extensions.append(Certificate.Extension(SubjectAlternativeNames(names), critical: false)) }
    let points =
      request.rawPoints
      ?? DERText.sequence(
        request.points.flatMap { DERText.sequence(DERText.element(0xa0, DERText.locations(0xa0, $0))) })
    if request.rawPoints != nil || !request.points.isEmpty {
      try extensions.append(.init(oid: Self.distributionPointsID, critical: false, value: points[...]))
    }
    if !request.freshest.isEmpty {
      let value = DERText.sequence(
        DERText.sequence(DERText.element(0xa0, DERText.locations(0xa0, request.freshest))))
      try extensions.append(.init(oid: Self.freshestID, critical: false, value: value[...]))
    }
    for item in request.extra { try extensions.append(item) }
    return try Certificate(
      version: .v3, serialNumber: request.serial, publicKey: publicKey, notValidBefore: request.notBefore,
      notValidAfter: request.notAfter, issuer: certificate.subject,
      subject: try DistinguishedName { CommonName(name) }, signatureAlgorithm: algorithm, extensions: extensions,
      issuerPrivateKey: key)
  }

  package var keyIdentifier: ArraySlice<UInt8>? {
    (try? certificate.extensions.subjectKeyIdentifier).flatMap { $0 }?.keyIdentifier
  }
}

/// A certificate with its key.
package struct TestIdentity: Sendable {
  package let certificate: Certificate
  package let key: Certificate.PrivateKey
  /// The key in PEM.
  package let pem: String
}

extension Certificate {
  package var der: [UInt8] { DERText.encoded(self) }
  package var pem: String { PEMDocument(type: "CERTIFICATE", derBytes: der).pemString }
}
