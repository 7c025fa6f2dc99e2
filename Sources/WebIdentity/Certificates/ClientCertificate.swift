// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
package import FoundationEssentials
import SwiftASN1
package import Wire
import X509

/// The certificate of a client that proves who it is by its private key. Nobody vouches for it: it is registered at the
/// provider, and only its key, its thumbprints and its end count.
package struct ClientCertificate: Sendable {
  package let publicKey: JSONWebKey
  package let subject: String
  package let expires: Date
  /// base64url of the SHA-1 over the DER encoding (RFC 7515 4.1.7 `x5t`): how clients of Entra ID name it.
  package let thumbprintSHA1: String
  /// base64url of the SHA-256 (RFC 7515 4.1.8 `x5t#S256`).
  package let thumbprint: String

  /// - Parameter pem: the certificate; what follows it is not looked at.
  /// - Throws: ``ClientCertificateError``.
  package init(pem: String) throws(ClientCertificateError) {
    let certificate: Certificate
    var serializer = DER.Serializer()
    do {
      certificate = try Certificate(pemEncoded: pem)
      try serializer.serialize(certificate)
    } catch {
      throw ClientCertificateError("The certificate is not understood: \(error).", "Provide it in PEM format.")
    }
    guard let key = _RSA.Signing.PublicKey(certificate.publicKey), let publicKey = try? JSONWebKey(key) else {
      throw ClientCertificateError("The certificate's key is no RSA key.", "Use a certificate with an RSA key.")
    }
    self.publicKey = publicKey
    subject = certificate.subject.description
    expires = certificate.notValidAfter
    thumbprintSHA1 = Base64URL.encode(Insecure.SHA1.hash(data: serializer.serializedBytes))
    thumbprint = Base64URL.encode(SHA256.hash(data: serializer.serializedBytes))
  }
}

/// Why a client's certificate or its key cannot be used.
package struct ClientCertificateError: DiagnosableError {
  package let message: String
  package let remedy: String
  package var identifier: String { "webidentity.clientCertificate" }

  init(_ message: String, _ remedy: String) {
    self.message = message
    self.remedy = remedy
  }
}

extension TokenSigningKey {
  /// - Parameter pem: a private RSA key without a passphrase (PKCS #1 or #8).
  /// - Throws: ``ClientCertificateError``, which never repeats the key.
  package init(pem: SecretBytes) throws(ClientCertificateError) {
    do {
      try self.init(
        key: pem.withBytes { try _RSA.Signing.PrivateKey(pemRepresentation: String(decoding: $0, as: UTF8.self)) })
    } catch {
      throw ClientCertificateError(
        "The private key is not understood.", "Provide an RSA key in PEM format, without a passphrase.")
    }
  }
}
