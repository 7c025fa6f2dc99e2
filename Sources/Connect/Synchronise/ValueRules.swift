// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import IdentityModel
import Wire

/// By which an object is recognised in the target for its whole life.
enum SourceAnchor {
  static let attribute = "mS-DS-ConsistencyGuid"

  /// `mS-DS-ConsistencyGuid` of a user where it is set, otherwise `objectGUID`; in base64.
  static func of(_ anchor: Anchor, kind: ObjectKind, attributes: Attributes) -> String {
    let consistency = attributes[attribute.lowercased()].first ?? []
    let bytes = kind == .user && !consistency.isEmpty ? consistency : anchor.bytes
    return Data(bytes).base64EncodedString()
  }
}

/// Whether an account may be used.
enum AccountState {
  /// MS-ADTS 2.2.16 `ADS_UF_ACCOUNT_DISABLE`.
  private static let accountDisable: Int64 = 0x2

  static func isDisabled(_ attributes: Attributes) -> Bool {
    guard let control = attributes.text("useraccountcontrol").flatMap({ Int64($0) }) else { return false }
    return control & accountDisable != 0
  }

  /// When the account ends, in seconds since 1970; nil when never.
  static func expiry(_ attributes: Attributes) -> Int64? {
    guard let time = attributes.text("accountexpires").flatMap({ Int64($0) }).map(FileTime.init(ticks:)),
      !time.isNever
    else { return nil }
    return time.unixSeconds
  }

  static func isExpired(_ input: RuleInput) -> Bool {
    expiry(input.attributes).map { Double($0) <= input.now } ?? false
  }
}

/// The part before the `@` of a sign-in name that had to be replaced. An object keeps the first one it was given.
enum Nickname {
  static let sources = ["mailNickname", "proxyAddresses", "mail"]

  static func of(_ input: RuleInput) -> String? {
    if let nickname = input.nickname { return nickname }
    if let nickname = input.text("mailnickname").map(allowed), !nickname.isEmpty { return nickname }
    let secondary = input.texts("proxyaddresses").filter { $0.hasPrefix("smtp:") }.map { String($0.dropFirst(5)) }
    let addresses =
      Address.primarySMTP(input).map { [$0] } ?? []
      + [input.text("mail"), input.text("userprincipalname")].compactMap { $0 }
    for candidate in addresses + secondary.sorted() {
      let prefix = allowed(String(candidate.prefix { $0 != "@" }))
      if !prefix.isEmpty { return prefix }
    }
    return input.text("samaccountname").map(allowed)
  }

  /// Without the characters that a sign-in name may not have.
  private static func allowed(_ text: String) -> String {
    text.filter { character in
      character.isASCII && (character.isLetter || character.isNumber || "'.-_!#^~".contains(character))
    }
  }
}

/// Mail addresses: `SMTP:` marks the primary one, `smtp:` the others.
enum Address {
  static func primarySMTP(_ input: RuleInput) -> String? {
    input.texts("proxyaddresses").first { $0.hasPrefix("SMTP:") }.map { String($0.dropFirst(5)) }
  }

  static func primary(_ input: RuleInput) -> [String] { primarySMTP(input).map { [$0] } ?? [] }

  /// Prefixed, primary first, without duplicates.
  static func all(_ input: RuleInput) -> [String] {
    let primary = primarySMTP(input) ?? input.text("mail")
    var seen: Set<String> = []
    var result: [String] = []
    if let primary, primary.contains("@") {
      seen.insert(primary.lowercased())
      result.append("SMTP:" + primary)
    }
    let others = input.texts("proxyaddresses").filter { $0.lowercased().hasPrefix("smtp:") }
      .map { String($0.dropFirst(5)) }
    for address in (others + [input.text("mail")].compactMap { $0 }).sorted() where address.contains("@") {
      if seen.insert(address.lowercased()).inserted { result.append("smtp:" + address) }
    }
    return result
  }

  /// An address without its prefix.
  static func bare(_ address: String) -> String {
    address.lowercased().hasPrefix("smtp:") ? String(address.dropFirst(5)) : address
  }
}
