// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SwiftASN1
package import X509

/// The root certificates that a connection trusts.
package struct TrustAnchors: Sendable {
  /// The roots that may also sign lists; empty for the system's, which are read when they are needed.
  let certificates: [Certificate]
  let store: CertificateStore

  package init(_ certificates: [Certificate]) {
    self.certificates = certificates
    store = CertificateStore(certificates)
  }

  private init(system: CertificateStore) {
    certificates = []
    store = system
  }

  /// The system's roots (Debian: /etc/ssl/certs/ca-certificates.crt).
  package static var system: TrustAnchors { TrustAnchors(system: .systemTrustRoots) }

  /// Reads root certificates from PEM files.
  ///
  /// - Throws: ``TrustError`` with code `badConfiguration` for a file that is missing, empty or not understood.
  package static func files(_ paths: [String]) throws(TrustError) -> TrustAnchors {
    var all: [Certificate] = []
    for path in paths { all += try certificates(inFile: path) }
    return TrustAnchors(all)
  }

  /// Reads a PEM file's certificates, at least one.
  package static func certificates(inFile path: String) throws(TrustError) -> [Certificate] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw TrustError(
        .badConfiguration, "The certificate file \(path) cannot be read.",
        remedy: "Check the path and its permissions.")
    }
    do {
      let certificates = try PEMDocument.parseMultiple(pemString: String(decoding: data, as: UTF8.self))
        .filter { $0.discriminator == Certificate.defaultPEMDiscriminator }
        .map { try Certificate(pemDocument: $0) }
      if !certificates.isEmpty { return certificates }
    } catch {
      throw TrustError(
        .badConfiguration, "The certificate file \(path) is not understood: \(error).",
        remedy: "Provide PEM certificates with RSA, ECDSA or Ed25519 keys.")
    }
    throw TrustError(
      .badConfiguration, "The certificate file \(path) holds no certificate.",
      remedy: "Provide a file with BEGIN CERTIFICATE blocks.")
  }
}
