// SPDX-License-Identifier: Apache-2.0

import Crypto
package import X509

/// The other end of a TLS connection whose certificate was validated before the handshake ended.
package struct TLSPeer: Sendable {
  /// `TLS 1.2` or `TLS 1.3`.
  package let version: String
  /// The cipher suite's name in IANA's registry.
  package let cipherSuite: String
  /// The application protocol that was agreed on (RFC 7301), if any.
  package let applicationProtocol: String?
  private let validated: ValidatedPeer

  init(version: String, cipherSuite: String, applicationProtocol: String?, validated: ValidatedPeer) {
    self.version = version
    self.cipherSuite = cipherSuite
    self.applicationProtocol = applicationProtocol
    self.validated = validated
  }

  /// Leaf first, trust anchor last.
  package var chain: X509.ValidatedCertificateChain { validated.chain }
  package var leaf: Certificate { validated.chain.leaf }
  package var leafDER: [UInt8] { validated.leafDER }
  /// For each certificate of the chain but the trust anchor.
  package var revocation: [RevocationStatus] { validated.revocation }
  /// For `FlowUse.protection` and the log.
  package var protection: String { "\(version), \(cipherSuite)" }

  /// RFC 5929 4.1 application data for a channel binding: `tls-server-end-point:` and the hash of the server's
  /// certificate. Nil where the certificate's signature algorithm has no single hash (Ed25519).
  package var serverEndPointBinding: [UInt8]? {
    ServerEndPointBinding.applicationData(leafDER: leafDER, algorithm: leaf.signatureAlgorithm)
  }
}

/// RFC 5929 4.1.
enum ServerEndPointBinding {
  private static let prefix = Array("tls-server-end-point:".utf8)

  static func applicationData(leafDER: [UInt8], algorithm: Certificate.SignatureAlgorithm) -> [UInt8]? {
    switch algorithm {
    // MD5 and SHA-1 are replaced by SHA-256.
    case .sha1WithRSAEncryption, .sha256WithRSAEncryption, .ecdsaWithSHA256:
      prefix + SHA256.hash(data: leafDER)
    case .sha384WithRSAEncryption, .ecdsaWithSHA384: prefix + SHA384.hash(data: leafDER)
    case .sha512WithRSAEncryption, .ecdsaWithSHA512: prefix + SHA512.hash(data: leafDER)
    default: nil
    }
  }
}
