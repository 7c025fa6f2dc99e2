// SPDX-License-Identifier: Apache-2.0

/// A code of a table of MS-ERREF or C706, in words.
struct StatusRow: Sendable {
  /// The specification's name.
  var name: String
  var words: String
  var remedy: String

  init(
    name: String, words: String,
    remedy: String = "Look into the server's log; if it persists, report this with the server's version."
  ) {
    self.name = name
    self.words = words
    self.remedy = remedy
  }

  /// For codes that no table has.
  static func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }
}
