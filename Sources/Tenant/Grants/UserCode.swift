// SPDX-License-Identifier: Apache-2.0

/// The code that a person types for a device (RFC 8628 6.1): eight consonants, so that it spells no word and no letter looks
/// like another. 20^8 codes and a quarter of an hour leave nothing to guess through a limited number of attempts.
struct UserCode: Hashable {
  private static let alphabet = Array("BCDFGHJKLMNPQRSTVWXZ".utf8)
  private static let length = 8

  /// Without the hyphen, as it is stored.
  let text: String

  init(random: (Int) -> [UInt8]) {
    var letters: [UInt8] = []
    // Bytes that would favour some letters are left out.
    let fair = 256 / Self.alphabet.count * Self.alphabet.count
    while letters.count < Self.length {
      letters += random(Self.length).filter { Int($0) < fair }.map { Self.alphabet[Int($0) % Self.alphabet.count] }
    }
    text = String(decoding: letters.prefix(Self.length), as: UTF8.self)
  }

  /// As a person typed it, with or without hyphen and spaces, in either case. Nil for what is none.
  init?(typed: String) {
    let letters = typed.utf8.prefix(64).map { (0x61...0x7a).contains($0) ? $0 - 0x20 : $0 }
      .filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: " ") }
    guard letters.count == Self.length, letters.allSatisfy(Self.alphabet.contains) else { return nil }
    text = String(decoding: letters, as: UTF8.self)
  }

  var shown: String { "\(text.prefix(4))-\(text.suffix(4))" }
}
