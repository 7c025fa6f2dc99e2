// SPDX-License-Identifier: Apache-2.0

extension RuleFunction {
  /// Sign-in names and mail addresses of the tenant.
  static let addressFunctions: [RuleFunction] = [
    RuleFunction(
      "IsVerifiedDomain", [.init("name", .text)], returns: .boolean,
      "Whether the tenant has verified the domain of a sign-in name or address, or a domain itself.",
      example: (#"IsVerifiedDomain("ann@corp.example")"#, "True"),
      .eager { arguments, scene in
        let tenant = scene.tenant()
        return .boolean(arguments.text(0).map { tenant.verifies($0.trimmingBlanks()) } ?? false)
      }),
    RuleFunction(
      "InitialDomain", returns: .text, "The tenant's own domain, for names under a domain that is not verified.",
      example: ("InitialDomain()", #""corp.tenant.example""#),
      .eager { _, scene in .text(scene.tenant().initial) }),
    RuleFunction(
      "Nickname", returns: .text,
      "The mail nickname: what comes before the @ of the first present of mailNickname, primary SMTP address, mail, "
        + "userPrincipalName and secondary SMTP address, else sAMAccountName. It stays what it first was.",
      example: (#""user-" & Nickname()"#, #""user-ann""#),
      reads: ["mailNickname", "proxyAddresses", "mail", "userPrincipalName", "sAMAccountName"],
      .eager { _, scene in
        guard let nickname = Nickname.of(scene) else { return .null }
        scene.note(nickname: nickname)
        return RuleValue(bounded: nickname)
      }),
    RuleFunction(
      "PrimaryAddress", [.init("proxyAddresses")], returns: .text,
      "The address that SMTP: in capitals marks, without its mark.",
      example: (#"PrimaryAddress(Split("smtp:a@corp.example,SMTP:b@corp.example", ","))"#, #""b@corp.example""#),
      .eager { arguments, _ in
        MailAddresses.primary(MailAddresses.trimmed(arguments[0])).map { RuleValue(bounded: $0) } ?? .null
      }),
    RuleFunction(
      "MailAddresses", [.init("proxyAddresses"), .init("mail")], returns: .list,
      "The SMTP addresses, the primary one first, mail as primary where none is marked; each once.",
      example: (
        #"MailAddresses("smtp:b@corp.example", "a@corp.example")"#, #"{"SMTP:a@corp.example", "smtp:b@corp.example"}"#
      ),
      .eager { arguments, _ in
        let addresses = MailAddresses.all(
          MailAddresses.trimmed(arguments[0]), MailAddresses.trimmed(arguments[1]).first)
        return RuleValue(items: addresses.map { RuleValue(bounded: $0) })
      }),
  ]
}

/// The part before the `@` of a sign-in name that had to be replaced. An object keeps the first one it was given.
enum Nickname {
  static func of(_ scene: Scene) -> String? {
    if let nickname = scene.context.nickname { return nickname }
    if let nickname = scene.trimmedTexts("mailnickname").first.map(allowed), !nickname.isEmpty { return nickname }
    let proxies = scene.trimmedTexts("proxyaddresses")
    let secondary = proxies.filter { $0.startsExactly(with: "smtp:") }.map { String($0.dropFirst(5)) }
    let addresses = [
      MailAddresses.primary(proxies), scene.trimmedTexts("mail").first, scene.trimmedTexts("userprincipalname").first,
    ].compactMap { $0 }
    for candidate in addresses + secondary.sorted() {
      let prefix = allowed(String(candidate.prefix { $0 != "@" }))
      if !prefix.isEmpty { return prefix }
    }
    return scene.trimmedTexts("samaccountname").first.map(allowed).flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Without the characters that a sign-in name may not have.
  private static func allowed(_ text: String) -> String {
    text.filter { character in
      character.isASCII && (character.isLetter || character.isNumber || "'.-_!#^~".contains(character))
    }
  }
}

/// Mail addresses: `SMTP:` marks the primary one, `smtp:` the others.
enum MailAddresses {
  static func trimmed(_ value: RuleValue) -> [String] {
    value.texts.compactMap { text in
      let text = text.trimmingBlanks()
      return text.isEmpty ? nil : text
    }
  }

  static func primary(_ addresses: [String]) -> String? {
    addresses.first { $0.startsExactly(with: "SMTP:") }.map { String($0.dropFirst(5)) }
  }

  static func all(_ addresses: [String], _ mail: String?) -> [String] {
    var seen: Set<String> = []
    var result: [String] = []
    if let primary = primary(addresses) ?? mail, primary.contains("@") {
      seen.insert(primary.lowercased())
      result.append("SMTP:" + primary)
    }
    let others = addresses.filter { $0.prefix(5).lowercased() == "smtp:" }.map { String($0.dropFirst(5)) }
    for address in (others + [mail].compactMap { $0 }).sorted() where address.contains("@") {
      if seen.insert(address.lowercased()).inserted { result.append("smtp:" + address) }
    }
    return result
  }
}
