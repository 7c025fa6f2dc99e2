// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import NIOSSL
import SwiftASN1
import Wire
import X509

/// A certificate chain with its private key, for a server or for a client that authenticates with a certificate.
package struct TLSIdentity: Sendable {
  let chain: [NIOSSLCertificateSource]
  let key: NIOSSLPrivateKeySource

  /// - Parameters:
  ///   - certificateFile: PEM, leaf first, then its intermediates.
  ///   - keyFile: PEM, without a passphrase, in a file that not everybody can read.
  /// - Throws: ``TrustError`` with code `badConfiguration`.
  package init(certificateFile: String, keyFile: String) throws(TrustError) {
    do {
      chain = try NIOSSLCertificate.fromPEMFile(certificateFile).map { .certificate($0) }
    } catch {
      throw Self.unreadable("certificate", certificateFile, error)
    }
    let secret: SecretBytes
    do throws(SecretFileError) { secret = try SecretFile.read(keyFile) } catch {
      throw TrustError(.badConfiguration, "The private key cannot be used. \(error.message)", remedy: error.remedy)
    }
    do {
      key = .privateKey(try Self.privateKey(secret))
    } catch {
      throw Self.unreadable("private key", keyFile, error)
    }
  }

  private static func privateKey(_ pem: SecretBytes) throws -> NIOSSLPrivateKey {
    var bytes = pem.withBytes { Array($0) }
    defer { Zeroing.wipe(&bytes) }
    return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
  }

  private static func unreadable(_ what: String, _ path: String, _ error: any Error) -> TrustError {
    let exists = FileManager.default.isReadableFile(atPath: path)
    return TrustError(
      .badConfiguration,
      exists ? "The \(what) in \(path) is not understood: \(error)." : "The \(what) \(path) cannot be read.",
      remedy: exists ? "Provide it in PEM format, the key without a passphrase." : "Check the path and its permissions."
    )
  }

  /// RFC 5929 4.1 application data for clients that bind their proof to a channel to this certificate; nil where its
  /// signature algorithm has no single hash.
  package var serverEndPointBinding: [UInt8]? {
    guard case .certificate(let leaf)? = chain.first, let bytes = try? leaf.toDERBytes(),
      let certificate = try? Certificate(derEncoded: bytes)
    else { return nil }
    return ServerEndPointBinding.applicationData(leafDER: bytes, algorithm: certificate.signatureAlgorithm)
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
