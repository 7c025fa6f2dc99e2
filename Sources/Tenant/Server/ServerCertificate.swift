// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import NIOCore
import NIOSSL
import Wire

/// The server's side of TLS.
struct ServerCertificate {
  let configuration: TLSConfiguration
  /// What clients bind their proofs to (RFC 5929 4.1); nil where the certificate has no single hash.
  let channelBinding: [UInt8]?

  /// - Throws: `TrustError` for a file that cannot be used, ``TenantError`` `certificate` for two that do not belong
  ///   together.
  init(chain: String, key: String) throws {
    let identity = try TLSIdentity(certificateFile: chain, keyFile: key)
    var configuration = identity.serverConfiguration()
    // A client that does not answer the end of the session is not waited for any longer.
    configuration.shutdownTimeout = .seconds(1)
    // Found out now, not at the first connection.
    do { _ = try NIOSSLContext(configuration: configuration) } catch {
      throw TenantError(
        .certificate, "The certificate \(chain) and the key \(key) cannot be used together (\(error)).",
        remedy: "Give the key that the certificate was issued for.")
    }
    self.configuration = configuration
    channelBinding = identity.serverEndPointBinding
  }
}
