// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import NIOSSL

/// A certificate chain with its private key, for a server or for a client that authenticates with a certificate.
package struct TLSIdentity: Sendable {
  let chain: [NIOSSLCertificateSource]
  let key: NIOSSLPrivateKeySource

  /// - Parameters:
  ///   - certificateFile: PEM, leaf first, then its intermediates.
  ///   - keyFile: PEM, without a passphrase.
  /// - Throws: ``TrustError`` with code `badConfiguration`.
  package init(certificateFile: String, keyFile: String) throws(TrustError) {
    do {
      chain = try NIOSSLCertificate.fromPEMFile(certificateFile).map { .certificate($0) }
    } catch {
      throw Self.unreadable("certificate", certificateFile, error)
    }
    do {
      key = .privateKey(try NIOSSLPrivateKey(file: keyFile, format: .pem))
    } catch {
      throw Self.unreadable("private key", keyFile, error)
    }
  }

  private static func unreadable(_ what: String, _ path: String, _ error: any Error) -> TrustError {
    let exists = FileManager.default.isReadableFile(atPath: path)
    return TrustError(
      .badConfiguration,
      exists ? "The \(what) in \(path) is not understood: \(error)." : "The \(what) \(path) cannot be read.",
      remedy: exists ? "Provide it in PEM format, the key without a passphrase." : "Check the path and its permissions."
    )
  }

  /// A server's configuration: TLS 1.2 or later, no client certificate asked for.
  ///
  /// - Parameter applicationProtocols: RFC 7301 names in order of preference, for example `h2`, `http/1.1`.
  package func serverConfiguration(applicationProtocols: [String] = []) -> TLSConfiguration {
    var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = applicationProtocols
    return configuration
  }
}
