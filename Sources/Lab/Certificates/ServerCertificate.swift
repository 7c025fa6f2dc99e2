// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials

/// What a server certificate should say.
package struct ServerCertificateRequest: Sendable {
  package enum Issuer: Sendable {
    case lab
    /// An authority of the same name that nobody knows, for tests of refusal.
    case unknown
  }

  /// DNS names, the first also as common name.
  package var names: [String]
  package var notBefore: Date
  package var notAfter: Date
  package var issuer: Issuer
  /// Where the revocation list is published; without it the certificate names none.
  package var crlURLs: [String]

  package init(names: [String], notBefore: Date, notAfter: Date, issuer: Issuer = .lab, crlURLs: [String]) {
    self.names = names
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.issuer = issuer
    self.crlURLs = crlURLs
  }

  /// As a server of the lab has it: valid from yesterday for about a year.
  package static func server(_ names: [String], crlURLs: [String], now: Date) -> ServerCertificateRequest {
    ServerCertificateRequest(
      names: names, notBefore: now - LabCertificateAuthority.day, notAfter: now + 365 * LabCertificateAuthority.day,
      crlURLs: crlURLs)
  }
}

/// A certificate with its chain and private key, as PEM text.
package struct IssuedCertificate: Sendable {
  /// The server's certificate, then the authority's.
  package var chain: String
  package var privateKey: String
  /// Big-endian, as in the certificate.
  package var serialNumber: [UInt8]

  /// Writes NAME.pem and NAME.key (readable by the owner only) into a directory.
  package func write(name: String, directory: String) throws(LabError) -> (chain: String, key: String) {
    try Files.createDirectory(directory, mode: 0o755)
    let files = (chain: "\(directory)/\(name).pem", key: "\(directory)/\(name).key")
    try Files.write(privateKey, to: files.key, mode: 0o600)
    try Files.write(chain, to: files.chain)
    return files
  }
}
