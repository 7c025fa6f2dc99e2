// SPDX-License-Identifier: Apache-2.0

import Crypto
package import Wire

/// The secret that a stand-in and a check share for the time of one proof.
///
/// Whoever sees both sides' traffic can try codes at leisure, so that only a random one protects: a code is 26 base32
/// digits of 130 bits as ``generate(using:)`` makes it, or any secret of at least ``minimumBytes`` bytes.
package struct StandInCode: Sendable {
  package static let minimumBytes = 20
  /// The environment variable that may carry it.
  package static let variable = "BRIDGEHEAD_STAND_IN_CODE"

  private let key: SymmetricKey

  /// - Throws: ``StandInError`` with code `weakCode`.
  package init(_ secret: SecretBytes) throws(StandInError) {
    guard secret.count >= Self.minimumBytes else {
      throw StandInError(
        .weakCode, "The stand-in code has \(secret.count) bytes; fewer than \(Self.minimumBytes) can be guessed.",
        remedy: "make one with: bridgehead ports listen --new-code FILE")
    }
    key = secret.withBytes { bytes in
      HKDF<SHA256>.deriveKey(
        inputKeyMaterial: SymmetricKey(data: bytes), info: Array("bridgehead stand-in 1".utf8), outputByteCount: 32)
    }
  }

  /// A new code in Crockford's base32, in groups of digits that can be read out.
  package static func generate(using random: inout some RandomNumberGenerator) -> String {
    let digits = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    let code = (0..<26).map { _ in digits[Int.random(in: 0..<32, using: &random)] }
    return stride(from: 0, to: code.count, by: 5).map { String(code[$0..<min($0 + 5, code.count)]) }
      .joined(separator: "-")
  }

  func authenticate(_ message: [UInt8]) -> [UInt8] { Array(HMAC<SHA256>.authenticationCode(for: message, using: key)) }

  /// Compares in constant time.
  func isAuthentic(_ code: some Collection<UInt8>, _ message: [UInt8]) -> Bool {
    HMAC<SHA256>.isValidAuthenticationCode(Array(code), authenticating: message, using: key)
  }
}
