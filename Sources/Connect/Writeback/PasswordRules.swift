// SPDX-License-Identifier: Apache-2.0

package import PasswordWriteback
package import Wire

/// What a domain, or a password settings object, asks of passwords; nil for what could not be read. The controller decides;
/// these only put its refusal, which names no reason, into words.
package struct PasswordRules: Sendable, Hashable {
  package var minimumLength: Int?
  package var isComplex: Bool?
  /// In seconds.
  package var minimumAge: Int64?

  package init(minimumLength: Int? = nil, isComplex: Bool? = nil, minimumAge: Int64? = nil) {
    self.minimumLength = minimumLength
    self.isComplex = isComplex
    self.minimumAge = minimumAge
  }

  /// The likeliest reason why a controller refused a password.
  ///
  /// - Parameters:
  ///   - countsHistory: whether earlier passwords and the age of the present one counted.
  ///   - now: seconds since 1970.
  package func explain(
    _ password: SecretBytes, of account: WritebackAccount, countsHistory: Bool, at now: Double
  ) -> WritebackOutcome {
    let text = password.withBytes { String(decoding: $0, as: UTF8.self) }
    if let minimumLength, text.utf16.count < minimumLength {
      return WritebackOutcome(.refused, .tooShort, number: minimumLength)
    }
    if isComplex == true, !Self.isComplex(text, account.samAccountName, account.displayName) {
      return WritebackOutcome(.refused, .notComplex)
    }
    if countsHistory, let left = secondsLeft(account.password.lastSet, at: now) {
      return WritebackOutcome(.refused, .tooYoung, number: Int((left / 3600).rounded(.up)))
    }
    return WritebackOutcome(.refused, countsHistory && isKnown ? .inHistory : .policy)
  }

  /// Only then everything else has been ruled out.
  private var isKnown: Bool { minimumLength != nil && isComplex != nil && minimumAge != nil }

  private func secondsLeft(_ lastSet: FileTime?, at now: Double) -> Double? {
    guard let minimumAge, let lastSet, lastSet.ticks > 0 else { return nil }
    let left = Double(lastSet.unixSeconds) + Double(minimumAge) - now
    return left > 0 ? left : nil
  }

  /// MS-SAMR 3.1.1.7.2: characters of three of five kinds, and neither the account's name nor a part of the display name that
  /// has three characters or more.
  static func isComplex(_ password: String, _ name: String, _ displayName: String?) -> Bool {
    var kinds: Set<Int> = []
    for character in password {
      if character.isUppercase {
        kinds.insert(0)
      } else if character.isLowercase {
        kinds.insert(1)
      } else if character.isASCII, character.isNumber {
        kinds.insert(2)
      } else if character.isLetter {
        kinds.insert(4)
      } else {
        kinds.insert(3)
      }
    }
    let folded = password.lowercased()
    let separators: Set<Character> = [",", ".", "-", "_", " ", "#", "\t"]
    let parts = (displayName ?? "").lowercased().split { separators.contains($0) }.map(String.init)
    return kinds.count >= 3
      && ([name.lowercased()] + parts).allSatisfy { $0.count < 3 || !folded.contains($0) }
  }
}
