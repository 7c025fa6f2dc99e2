// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import SwiftASN1
import X509

/// RFC 5280 5.1.1.2 `signatureAlgorithm` of a list: the algorithms that are accepted.
///
/// SHA-1 and MD5 are left out: a list is not believed on a hash with practical collisions.
enum ListSignature: Sendable, Hashable {
  case certificateAlgorithm(Certificate.SignatureAlgorithm)
  /// RFC 4055 3.1, MGF1 and message digest with the same hash.
  case rsaPSS(Hash)

  enum Hash: Sendable, Hashable { case sha256, sha384, sha512 }

  private static let rsassaPSS: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 10]
  private static let mgf1: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 8]
  private static let named: [ASN1ObjectIdentifier: Certificate.SignatureAlgorithm] = [
    [1, 2, 840, 113549, 1, 1, 11]: .sha256WithRSAEncryption,
    [1, 2, 840, 113549, 1, 1, 12]: .sha384WithRSAEncryption,
    [1, 2, 840, 113549, 1, 1, 13]: .sha512WithRSAEncryption,
    [1, 2, 840, 10045, 4, 3, 2]: .ecdsaWithSHA256,
    [1, 2, 840, 10045, 4, 3, 3]: .ecdsaWithSHA384,
    [1, 2, 840, 10045, 4, 3, 4]: .ecdsaWithSHA512,
    [1, 3, 101, 112]: .ed25519,
  ]
  private static let hashes: [ASN1ObjectIdentifier: Hash] = [
    [2, 16, 840, 1, 101, 3, 4, 2, 1]: .sha256,
    [2, 16, 840, 1, 101, 3, 4, 2, 2]: .sha384,
    [2, 16, 840, 1, 101, 3, 4, 2, 3]: .sha512,
  ]

  /// Reads `AlgorithmIdentifier`; nil for an algorithm that is not accepted.
  init?(algorithmIdentifier: ArraySlice<UInt8>) throws {
    let parsed = try DER.sequence(DER.parse(algorithmIdentifier), identifier: .sequence) {
      nodes -> (ASN1ObjectIdentifier, ASN1Any?) in
      (try ASN1ObjectIdentifier(derEncoded: &nodes), nodes.next().map { ASN1Any(derEncoded: $0) })
    }
    if let algorithm = Self.named[parsed.0] {
      self = .certificateAlgorithm(algorithm)
    } else if parsed.0 == Self.rsassaPSS, let parameters = parsed.1, let hash = try Self.pssHash(parameters) {
      self = .rsaPSS(hash)
    } else {
      return nil
    }
  }

  /// RFC 4055 3.1 `RSASSA-PSS-params`: the hash, if mask generation uses the same one. The salt's length is the verifier's
  /// to find, so `saltLength` is skipped.
  private static func pssHash(_ parameters: ASN1Any) throws -> Hash? {
    var serializer = DER.Serializer()
    try serializer.serialize(parameters)
    return try DER.sequence(DER.parse(serializer.serializedBytes), identifier: .sequence) { nodes in
      let hash = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) {
        try algorithm($0)
      }
      let mask = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 1, tagClass: .contextSpecific) { node in
        try DER.sequence(node, identifier: .sequence) { nodes -> ASN1ObjectIdentifier? in
          let generator = try ASN1ObjectIdentifier(derEncoded: &nodes)
          guard generator == mgf1, let inner = nodes.next() else { return nil }
          return try algorithm(inner)
        }
      }
      while nodes.next() != nil {}
      guard let hash, let mask, hash == mask else { return nil }
      return hashes[hash]
    }
  }

  private static func algorithm(_ node: ASN1Node) throws -> ASN1ObjectIdentifier {
    try DER.sequence(node, identifier: .sequence) { nodes in
      let identifier = try ASN1ObjectIdentifier(derEncoded: &nodes)
      while nodes.next() != nil {}
      return identifier
    }
  }

  func isValid(_ signature: ArraySlice<UInt8>, over bytes: ArraySlice<UInt8>, by key: Certificate.PublicKey) -> Bool {
    switch self {
    case .certificateAlgorithm(let algorithm):
      return key.isValidSignature(signature, for: bytes, signatureAlgorithm: algorithm)
    case .rsaPSS(let hash):
      guard let rsa = _RSA.Signing.PublicKey(key) else { return false }
      let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
      return switch hash {
      case .sha256: rsa.isValidSignature(signature, for: SHA256.hash(data: bytes), padding: .PSS)
      case .sha384: rsa.isValidSignature(signature, for: SHA384.hash(data: bytes), padding: .PSS)
      case .sha512: rsa.isValidSignature(signature, for: SHA512.hash(data: bytes), padding: .PSS)
      }
    }
  }
}
