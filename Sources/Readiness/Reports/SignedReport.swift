// SPDX-License-Identifier: Apache-2.0

import Crypto
package import FoundationEssentials
package import Wire

/// Why a report file cannot be used.
package typealias ReportError = CodedError<ReportErrorCode>

package enum ReportErrorCode: String, ErrorCode {
  package static let domain = "report"

  case notAReport
  case badSignature
  case unknownKey
  case badKey
}

/// A report file: a JWS in its flattened JSON form (RFC 7515 7.2.2) signed with Ed25519 (RFC 8037 3.1), so that any JOSE
/// library can verify it. The payload is the report's JSON, byte for byte.
///
/// The header carries the public key. That alone proves that nothing was changed since; who made the report is proved by
/// comparing the key with one that is known (``verify(_:trusting:)``).
package struct SignedReport: Sendable, Codable, Hashable {
  package var payload: String
  package var protected: String
  package var signature: String

  /// RFC 7515 4.1: what the signature covers beside the payload.
  struct Header: Codable {
    var alg: String
    var typ: String
    var jwk: ReportKey.Public
  }

  private static let type = "bridgehead-ports-report"
  /// A report of a hundred hosts with all its evidence takes some megabytes.
  package static let maximumBytes = 64 << 20

  package init(_ report: CheckReport, key: ReportKey) throws {
    payload = Base64URL.encode(try StableJSON.encode(report))
    protected = Base64URL.encode(try StableJSON.encode(Header(alg: "EdDSA", typ: Self.type, jwk: key.public)))
    signature = Base64URL.encode(try key.sign(Data("\(protected).\(payload)".utf8)))
  }

  /// Reads a file, checks its signature and then its report.
  ///
  /// - Parameter trusted: the keys whose reports are accepted; empty accepts any whole file.
  /// - Returns: the report and the public key that signed it.
  /// - Throws: ``ReportError``.
  package static func verify(
    _ file: Data, trusting trusted: [ReportKey.Public] = []
  ) throws(ReportError) -> (report: CheckReport, key: ReportKey.Public) {
    guard file.count <= maximumBytes, let signed = try? StableJSON.decode(SignedReport.self, from: file),
      let headerBytes = Base64URL.decode(signed.protected),
      let header = try? StableJSON.decode(Header.self, from: Data(headerBytes)), header.typ == type
    else {
      throw ReportError(
        .notAReport, "This is no report of a check.",
        remedy: "Name a file that 'ports check --report' wrote.")
    }
    // One algorithm only: a file cannot choose how it is verified.
    guard header.alg == "EdDSA", let signature = Base64URL.decode(signed.signature),
      header.jwk.isValid(signature, for: Data("\(signed.protected).\(signed.payload)".utf8)),
      let payload = Base64URL.decode(signed.payload)
    else {
      throw ReportError(
        .badSignature, "The report's signature does not fit: it was changed after it was made.",
        remedy: "Run the check again, and bring the file over whole.")
    }
    guard trusted.isEmpty || trusted.contains(header.jwk) else {
      throw ReportError(
        .unknownKey, "The report was signed by the key \(header.jwk.thumbprint), which is not trusted.",
        remedy: "Compare the key with that of the source host, and add it with --key.")
    }
    guard let report = try? StableJSON.decode(CheckReport.self, from: Data(payload)), report.version == 1 else {
      throw ReportError(
        .notAReport, "The report is of a form that this version does not know.",
        remedy: "Use the same version of bridgehead on both machines.")
    }
    return (report, header.jwk)
  }
}

/// The Ed25519 key of a source host, as a JWK (RFC 8037 2).
package struct ReportKey: Sendable {
  package struct Public: Codable, Sendable, Hashable {
    package var kty = "OKP"
    package var crv = "Ed25519"
    package var x: String

    package init(x: String) { self.x = x }

    /// RFC 7638 3: SHA-256 of the members in the order of their names.
    package var thumbprint: String {
      let members = "{\"crv\":\"\(crv)\",\"kty\":\"\(kty)\",\"x\":\"\(x)\"}"
      return Base64URL.encode(SHA256.hash(data: Data(members.utf8)))
    }

    func isValid(_ signature: some DataProtocol, for message: Data) -> Bool {
      guard kty == "OKP", crv == "Ed25519", let raw = Base64URL.decode(x),
        let key = try? Curve25519.Signing.PublicKey(rawRepresentation: raw)
      else { return false }
      return key.isValidSignature(signature, for: message)
    }
  }

  private struct Private: Codable {
    var kty: String
    var crv: String
    var x: String
    var d: String
  }

  private let key: Curve25519.Signing.PrivateKey

  /// A new key.
  package init() { key = Curve25519.Signing.PrivateKey() }

  /// Reads a private JWK.
  package init(jwk: SecretBytes) throws(ReportError) {
    let data = jwk.withBytes { Data($0) }
    guard let fields = try? JSONDecoder().decode(Private.self, from: data), fields.kty == "OKP",
      fields.crv == "Ed25519", let raw = Base64URL.decode(fields.d),
      let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: raw),
      Base64URL.encode(key.publicKey.rawRepresentation) == fields.x
    else {
      throw ReportError(
        .badKey, "The key file holds no Ed25519 key as a private JWK.",
        remedy: "Make one with 'bridgehead ports report key --output FILE'.")
    }
    self.key = key
  }

  package var `public`: Public { Public(x: Base64URL.encode(key.publicKey.rawRepresentation)) }

  /// The private JWK: it belongs into a file that only its owner can read.
  package var jwk: String {
    let d = Base64URL.encode(key.rawRepresentation)
    return "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\(self.public.x)\",\"d\":\"\(d)\"}\n"
  }

  func sign(_ message: Data) throws -> Data { try key.signature(for: message) }
}
