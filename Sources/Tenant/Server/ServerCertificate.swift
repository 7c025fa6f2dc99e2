// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// The server's side of TLS: 1.2 and 1.3 with the library's own choice of suites.
enum ServerCertificate {
  /// - Throws: ``TenantError`` `certificate` naming the file that cannot be used.
  static func configuration(chain: String, key: String) throws(TenantError) -> TLSConfiguration {
    let certificates: [NIOSSLCertificate]
    do { certificates = try NIOSSLCertificate.fromPEMFile(chain) } catch {
      throw TenantError(
        .certificate, "The certificate chain \(chain) cannot be read (\(error)).",
        remedy: "Give a readable PEM file with the server's certificate first.")
    }
    let privateKey: NIOSSLPrivateKey
    do { privateKey = try NIOSSLPrivateKey(file: key, format: .pem) } catch {
      throw TenantError(
        .certificate, "The private key \(key) cannot be read (\(error)).",
        remedy: "Give a PEM file without a passphrase that the service's user may read.")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(privateKey))
    configuration.minimumTLSVersion = .tlsv12
    // The context checks that certificate and key belong together: find out now, not at the first connection.
    do { _ = try NIOSSLContext(configuration: configuration) } catch {
      throw TenantError(
        .certificate, "The certificate \(chain) and the key \(key) cannot be used together (\(error)).",
        remedy: "Give the key that the certificate was issued for.")
    }
    return configuration
  }
}
