// SPDX-License-Identifier: Apache-2.0

import IdentityModel

/// The attributes of metaverse objects that rules can give values to.
enum MetaverseSchema {
  struct Attribute: Sendable {
    enum Form: Sendable { case text, boolean, bytes }
    let form: Form
    let isMultiValued: Bool
    /// Refers to objects.
    var isReference = false

    static let text = Attribute(form: .text, isMultiValued: false)
    static let texts = Attribute(form: .text, isMultiValued: true)
    static let boolean = Attribute(form: .boolean, isMultiValued: false)
    static let bytes = Attribute(form: .bytes, isMultiValued: false)
    static let reference = Attribute(form: .bytes, isMultiValued: false, isReference: true)
    static let references = Attribute(form: .bytes, isMultiValued: true, isReference: true)
  }

  /// Nil where objects of the kind have no such attribute. Names count as written.
  static func attribute(_ name: String, of kind: ObjectKind) -> Attribute? { attributes[kind]?[name] }

  static func names(of kind: ObjectKind) -> [String] { attributes[kind]?.keys.sorted() ?? [] }

  private static let attributes: [ObjectKind: [String: Attribute]] = [
    .user: person.merging(account) { first, _ in first }, .contact: person,
    .group: common.merging(addresses) { first, _ in first }.merging(
      ["members": .references, "managedBy": .reference, "securityEnabled": .boolean]
    ) { first, _ in first },
    .device: common.merging(
      [
        "accountEnabled": .boolean, "deviceId": .text, "operatingSystem": .text, "operatingSystemVersion": .text,
        "deviceTrustType": .text, "userCertificate": Attribute(form: .bytes, isMultiValued: true),
      ]
    ) { first, _ in first },
  ]

  private static let common: [String: Attribute] = {
    var result: [String: Attribute] = [
      "displayName": .text, "description": .text, "onPremisesSecurityIdentifier": .bytes,
      "onPremisesSamAccountName": .text, "onPremisesDistinguishedName": .text, "onPremisesDomainName": .text,
    ]
    for number in 1...15 { result["extensionAttribute\(number)"] = .text }
    return result
  }()

  private static let addresses: [String: Attribute] = [
    "mail": .text, "mailNickname": .text, "proxyAddresses": .texts, "hideFromAddressLists": .boolean,
    "targetAddress": .text,
  ]

  private static let person: [String: Attribute] = common.merging(addresses) { first, _ in first }.merging([
    "givenName": .text, "surname": .text, "initials": .text, "jobTitle": .text, "department": .text,
    "companyName": .text, "physicalDeliveryOfficeName": .text, "telephoneNumber": .text, "mobile": .text,
    "homePhone": .text, "facsimileTelephoneNumber": .text, "streetAddress": .text, "city": .text, "state": .text,
    "postalCode": .text, "country": .text, "wwwHomePage": .text, "otherTelephone": .texts, "manager": .reference,
  ]) { first, _ in first }

  private static let account: [String: Attribute] = [
    "userPrincipalName": .text, "accountEnabled": .boolean, "employeeId": .text, "employeeType": .text,
    "preferredLanguage": .text, "usageLocation": .text, "division": .text, "costCenter": .text,
  ]
}

extension MetaverseSchema.Attribute {
  /// What the metaverse keeps of a value; empty where nothing is left.
  func stored(_ value: RuleValue) -> [[UInt8]] {
    switch form {
    case .boolean: return value.boolean.map { [Array(($0 ? "true" : "false").utf8)] } ?? []
    case .text, .bytes:
      if !isMultiValued {
        // The first that is not empty.
        for item in value.items {
          if let bytes = bytes(item), !bytes.isEmpty { return [bytes] }
        }
        return []
      }
      return value.items.compactMap(bytes).filter { !$0.isEmpty }
    }
  }

  /// Numbers and truth are kept as the cloud writes them; bytes that are no text have no place in a text.
  private func bytes(_ value: RuleValue) -> [UInt8]? {
    switch value {
    case .boolean(let value): Array((value ? "true" : "false").utf8)
    case .bytes(let bytes): form == .bytes ? bytes : nil
    default: value.bytes
    }
  }

  /// The values of a directory without blanks around them and without empty ones; bytes as they are.
  func stored(directory values: [[UInt8]]) -> [[UInt8]] {
    switch form {
    case .boolean: return values.first.map { stored(RuleValue(directory: $0)) } ?? []
    case .bytes: return isMultiValued ? values : Array(values.prefix(1))
    case .text:
      var result: [[UInt8]] = []
      for value in values {
        guard let trimmed = Self.trimmed(value), String(validating: trimmed, as: UTF8.self) != nil else { continue }
        result.append(trimmed)
        if !isMultiValued { break }
      }
      return result
    }
  }

  /// Nil when nothing is left.
  private static func trimmed(_ value: [UInt8]) -> [UInt8]? {
    guard let first = value.first, let last = value.last else { return nil }
    if !first.isBlank && !last.isBlank { return value }
    guard let start = value.firstIndex(where: { !$0.isBlank }), let end = value.lastIndex(where: { !$0.isBlank }) else {
      return nil
    }
    return Array(value[start...end])
  }
}
