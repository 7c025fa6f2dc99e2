// SPDX-License-Identifier: Apache-2.0

import Crypto
package import FoundationEssentials
import SwiftASN1
import Wire
import X509

/// The lab's certificate authority: a P-256 key on disk, server certificates, and a signed revocation list (RFC 5280).
package struct LabCertificateAuthority: Sendable {
  package static let crlFileName = "lab.crl"
  static let day: TimeInterval = 86400
  /// How long a revocation list is good for: it is signed anew at each start of a lab and with each revocation.
  static let crlLifetime = 30 * day

  /// A revoked certificate and why, as the list shows it (RFC 5280 5.3.1).
  struct Revocation: Codable, Sendable {
    var serialNumber: [UInt8]
    var date: Date
    var reason: Int
  }

  private struct State: Codable {
    var crlNumber: Int
    var revocations: [Revocation]
  }

  package let directory: String
  let key: P256.Signing.PrivateKey
  let certificate: Certificate

  package var certificateFile: String { directory + "/ca.pem" }
  package var crlFile: String { "\(directory)/\(Self.crlFileName)" }
  private static func keyFile(_ directory: String) -> String { directory + "/ca.key" }
  private var stateFile: String { directory + "/state.json" }

  /// Opens the authority kept in a directory, or founds it there.
  package static func open(directory: String, now: Date) throws(LabError) -> LabCertificateAuthority {
    if Files.exists(keyFile(directory)) {
      let pem = String(decoding: try Files.read(keyFile(directory)), as: UTF8.self)
      let chain = String(decoding: try Files.read(directory + "/ca.pem"), as: UTF8.self)
      return try attempt("The authority in \(directory) cannot be opened") {
        LabCertificateAuthority(
          directory: directory, key: try P256.Signing.PrivateKey(pemRepresentation: pem),
          certificate: try Certificate(pemEncoded: chain))
      }
    }
    try Files.createDirectory(directory, mode: 0o700)
    let authority = try found(directory: directory, now: now)
    try Files.write(authority.key.pemRepresentation, to: keyFile(directory), mode: 0o600)
    try Files.write(try authority.pem(authority.certificate), to: authority.certificateFile)
    try authority.publish(now: now)
    return authority
  }

  private static func found(directory: String, now: Date) throws(LabError) -> LabCertificateAuthority {
    try attempt("The authority cannot be founded") {
      let key = P256.Signing.PrivateKey()
      let name = try DistinguishedName {
        CommonName("Bridgehead Lab CA")
        OrganizationName("Bridgehead Lab")
      }
      let publicKey = Certificate.PublicKey(key.publicKey)
      let certificate = try Certificate(
        version: .v3, serialNumber: .init(), publicKey: publicKey, notValidBefore: now - day,
        notValidAfter: now + 3650 * day, issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
        extensions: try Certificate.Extensions {
          Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
          Critical(KeyUsage(keyCertSign: true, cRLSign: true))
          SubjectKeyIdentifier(hash: publicKey)
        }, issuerPrivateKey: .init(key))
      return LabCertificateAuthority(directory: directory, key: key, certificate: certificate)
    }
  }

  /// Issues a certificate; whatever is wrong with it was asked for.
  package func issue(_ request: ServerCertificateRequest) throws(LabError) -> IssuedCertificate {
    let issuer =
      switch request.issuer {
      case .lab: self
      case .unknown: try Self.found(directory: directory, now: request.notBefore)
      }
    return try Self.attempt("The certificate for \(request.names.first ?? "no name") cannot be issued") {
      guard let commonName = request.names.first else { throw EmptyRequest() }
      let key = P256.Signing.PrivateKey()
      let publicKey = Certificate.PublicKey(key.publicKey)
      var extensions = try Certificate.Extensions {
        Critical(BasicConstraints.notCertificateAuthority)
        Critical(KeyUsage(digitalSignature: true))
        try ExtendedKeyUsage([.serverAuth])
        SubjectAlternativeNames(request.names.map { .dnsName($0) })
        SubjectKeyIdentifier(hash: publicKey)
        AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: issuer.certificate.publicKey).keyIdentifier)
      }
      if !request.crlURLs.isEmpty { try extensions.append(CRLDistributionPoints(urls: request.crlURLs).encoded()) }
      let certificate = try Certificate(
        version: .v3, serialNumber: .init(), publicKey: publicKey, notValidBefore: request.notBefore,
        notValidAfter: request.notAfter, issuer: issuer.certificate.subject,
        subject: try DistinguishedName {
          CommonName(commonName)
          OrganizationName("Bridgehead Lab")
        }, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions, issuerPrivateKey: .init(issuer.key))
      return IssuedCertificate(
        chain: try issuer.pem(certificate) + issuer.pem(issuer.certificate), privateKey: key.pemRepresentation,
        serialNumber: [UInt8](certificate.serialNumber.bytes))
    }
  }

  /// Revokes the first certificate of a PEM file and signs the list anew.
  package func revoke(certificateFile: String, reason: CRLReason = .keyCompromise, now: Date) throws(LabError) {
    let text = String(decoding: try Files.read(certificateFile), as: UTF8.self)
    let certificate = try Self.attempt("\(certificateFile) holds no certificate") {
      try Certificate(pemDocument: try PEMDocument.parseMultiple(pemString: text).first ?? PEMDocument(pemString: text))
    }
    try revoke(serialNumber: [UInt8](certificate.serialNumber.bytes), reason: reason, now: now)
  }

  package func revoke(serialNumber: [UInt8], reason: CRLReason = .keyCompromise, now: Date) throws(LabError) {
    var state = try readState()
    if !state.revocations.contains(where: { $0.serialNumber == serialNumber }) {
      state.revocations.append(Revocation(serialNumber: serialNumber, date: now, reason: reason.rawValue))
    }
    try publish(state, now: now)
  }

  /// Signs the revocation list anew, with everything revoked so far.
  package func publish(now: Date) throws(LabError) { try publish(try readState(), now: now) }

  private func publish(_ old: State, now: Date) throws(LabError) {
    var state = old
    state.crlNumber += 1
    let revoked = state
    let list = try Self.attempt("The revocation list cannot be signed") {
      try RevocationList(
        issuer: certificate.subject,
        authorityKeyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier,
        thisUpdate: now, nextUpdate: now + Self.crlLifetime, number: revoked.crlNumber, revocations: revoked.revocations
      ).signed(by: key)
    }
    let encoded = try Self.attempt("The authority's state cannot be written") {
      [UInt8](try JSONEncoder().encode(revoked))
    }
    try Files.write(encoded, to: stateFile, mode: 0o600)
    try Files.write(list, to: crlFile)
  }

  private func readState() throws(LabError) -> State {
    guard Files.exists(stateFile) else { return State(crlNumber: 0, revocations: []) }
    let bytes = try Files.read(stateFile)
    return try Self.attempt("\(stateFile) is damaged") { try JSONDecoder().decode(State.self, from: Data(bytes)) }
  }

  private func pem(_ certificate: Certificate) throws(LabError) -> String {
    try Self.attempt("A certificate cannot be encoded") { try certificate.serializeAsPEM().pemString + "\n" }
  }

  private struct EmptyRequest: Error, CustomStringConvertible {
    var description: String { "the request names nobody" }
  }

  private static func attempt<R>(_ what: String, _ body: () throws -> R) throws(LabError) -> R {
    do { return try body() } catch let error as LabError { throw error } catch {
      throw LabError(
        .certificate, "\(what): \(error).", remedy: "Check the files, or remove the lab and start it again.")
    }
  }
}

/// Why a certificate was revoked (RFC 5280 5.3.1).
package enum CRLReason: Int, Sendable, CaseIterable {
  case unspecified = 0
  case keyCompromise = 1
  case superseded = 4
  case cessationOfOperation = 5
}
