// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import Wire

/// Why a peer is not trusted, or why that could not be found out.
package struct TrustError: DiagnosableError, Hashable {
  /// What happened, as a closed vocabulary that callers branch on.
  package enum Code: String, Sendable, CaseIterable {
    // The chain (RFC 5280 6.1) and the name (RFC 6125).
    case expired
    case notYetValid
    case wrongName
    case unknownIssuer
    case wrongUsage
    case invalidChain
    case unsupportedCertificate
    // Revocation (RFC 5280 6.3).
    case revoked
    case noDistributionPoint
    case listUnreachable
    case listMalformed
    case listStale
    case listBadSignature
    case listOutOfScope
    // The handshake.
    case handshakeTimedOut
    /// The peer answered; its certificate's revocation could not be decided in time.
    case verificationTimedOut
    case handshakeFailed
    /// No version or cipher suite in common.
    case noCommonProtocol
    /// What answers does not speak TLS.
    case notTLS
    case connectionClosed
    /// Reset after the peer had begun to answer: nobody ends a handshake so who could say why.
    case connectionReset
    // The configuration.
    case badConfiguration
  }

  package var code: Code
  package var message: String
  package var remedy: String
  /// What the issuer said, when `code` is `revoked`.
  package var revocation: Revocation?

  package init(_ code: Code, _ message: String, remedy: String? = nil, revocation: Revocation? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy ?? Self.remedy(for: code)
    self.revocation = revocation
  }

  package var identifier: String { "trust.\(code.rawValue)" }

  private static func remedy(for code: Code) -> String {
    switch code {
    case .expired: "Renew the certificate, or correct this machine's clock if the date above is in the future."
    case .notYetValid: "Correct this machine's clock, or wait until the certificate becomes valid."
    case .wrongName: "Use a name that the certificate lists, or issue one with the name that is used here."
    case .unknownIssuer:
      "Add the issuing root certificate to the trusted roots, and let the server send its intermediate certificates."
    case .wrongUsage: "Issue a certificate whose extended key usage allows this purpose."
    case .invalidChain, .unsupportedCertificate: "Replace the certificate chain that the peer presents."
    case .revoked: "Replace the revoked certificate; do not trust the peer until that is done."
    case .noDistributionPoint:
      "Issue certificates with a CRL distribution point, configure a CRL location for them, or set revocation to prefer."
    case .listUnreachable:
      "Allow HTTP on port 80 to the CRL distribution point, or repair the server that publishes it."
    case .listMalformed: "Let the certificate authority publish a DER-encoded CRL at this location."
    case .listStale: "Let the certificate authority publish a new CRL, and check for a caching proxy on the way."
    case .listBadSignature: "Check who publishes the CRL: it is not signed by the certificate's issuer."
    case .listOutOfScope: "Let the certificate authority publish a CRL that covers this certificate for all reasons."
    case .handshakeTimedOut:
      "Check the peer's service and the path to it; something accepts connections but does not answer."
    case .handshakeFailed: "Check that the peer speaks TLS 1.2 or later on this port."
    case .verificationTimedOut: "Allow HTTP on port 80 to the CRL distribution points that the certificate names."
    case .noCommonProtocol: "Enable TLS 1.2 or 1.3 with a modern cipher suite on the server."
    case .notTLS: "Check the port and the address."
    case .connectionClosed: "Check the peer's log: it closed the connection during the TLS handshake."
    case .connectionReset: "Look for a firewall or intrusion prevention that kills TLS; then into the peer's log."
    case .badConfiguration: "Correct the configuration."
    }
  }
}

/// What a certificate revocation list says of one certificate (RFC 5280 5.1.2.6).
package struct Revocation: Sendable, Hashable {
  /// The serial number as lower-case hexadecimal digits.
  package var serial: String
  /// `revocationDate`: when the issuer processed the revocation.
  package var date: Date
  /// RFC 5280 5.3.1; `unspecified` where the entry names none.
  package var reason: RevocationReason

  package init(serial: String, date: Date, reason: RevocationReason) {
    self.serial = serial
    self.date = date
    self.reason = reason
  }
}
