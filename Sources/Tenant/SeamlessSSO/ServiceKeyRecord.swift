// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import Kerberos
import SCIM
import Store
import Wire

/// What is known of a handed-over key; the key itself is not.
package struct ServiceKeyRecord: Sendable, Hashable {
  package let id: String
  /// The forest's DNS name.
  package let forest: String
  /// Of the domain that the account is in.
  package let realm: String
  /// The account's name without the `$` at its end.
  package let account: String
  /// msDS-KeyVersionNumber, for people.
  package let version: Int64
  /// The identifiers of the forest's domains: it speaks for their accounts and for no others.
  package let domains: [String]
  package let created: Date
  /// When it became the forest's present key; nil before.
  package let activated: Date?
  /// When tickets made with it are refused; nil for the present one.
  package let retires: Date?

  static let columns = "id, forest, realm, account, version, domains, created, activated, retires"

  var json: JSONValue {
    var object: JSONObject = [
      "id": .string(id), "forest": .string(forest), "realm": .string(realm), "account": .string(account),
      "version": .integer(version), "domains": .array(domains.map(JSONValue.string)),
      "created": .string(SCIMDateTime.string(from: created)),
    ]
    object["activated"] = activated.map { .string(SCIMDateTime.string(from: $0)) }
    object["retires"] = retires.map { .string(SCIMDateTime.string(from: $0)) }
    return .object(object)
  }
}

/// A key as Connect hands it over: the body of `POST /tenant/sso/keys`.
///
/// ```json
/// {"forest": "corp.example", "realm": "CORP.EXAMPLE", "account": "BRIDGEHEADSSO", "version": 2,
///  "domains": ["S-1-5-21-1004336348-1177238915-682003330"],
///  "keys": {"aes256-cts-hmac-sha1-96": "64 hexadecimal digits", "aes128-cts-hmac-sha1-96": "32 of them"}}
/// ```
struct ServiceKeyHandover: Sendable {
  let forest, realm, account: String
  let version: Int64
  let domains: [String]
  let keys: [ServiceKey]

  /// Domains of one forest.
  private static let maximumDomains = 1000
  /// DNS names (RFC 1035 2.3.4).
  private static let maximumNameBytes = 255

  /// - Throws: `SCIMError` 400, which names the member and never repeats a value.
  init(_ body: JSONValue) throws(SCIMError) {
    guard let object = body.object else { throw .invalidSyntax("The body must be an object.") }
    forest = try Self.name("forest", object).lowercased()
    realm = try Self.name("realm", object).uppercased()
    account = try Self.name("account", object)
    guard let version = object["version"]?.integer, version >= 0 else {
      throw .invalidValue("version must be a number from 0 on.")
    }
    self.version = Int64(version)
    let domains = (object["domains"]?.array ?? []).prefix(Self.maximumDomains + 1).map { value in
      value.string.flatMap { SecurityIdentifier($0) }?.description
    }
    guard (1...Self.maximumDomains).contains(domains.count), !domains.contains(nil) else {
      throw .invalidValue("domains must be a list of 1 to \(Self.maximumDomains) security identifiers.")
    }
    self.domains = domains.compactMap { $0 }
    var keys: [ServiceKey] = []
    for type in ServiceKey.types {
      guard let value = object["keys"]?.object?[type.description] else { continue }
      guard let bytes = value.string.flatMap({ Hex.decode($0) }), bytes.count == ServiceKey.byteCount(of: type) else {
        throw .invalidValue("keys.\(type) must be a key in hexadecimal digits.")
      }
      keys.append(ServiceKey(encryptionType: type, bytes: SecretBytes(bytes)))
    }
    guard !keys.isEmpty, object["keys"]?.object?.names.count == keys.count else {
      throw .invalidValue("keys must hold keys of \(ServiceKey.types.map(\.description).joined(separator: " or ")).")
    }
    self.keys = keys
  }

  private static func name(_ name: String, _ object: JSONObject) throws(SCIMError) -> String {
    let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_".unicodeScalars)
    guard let text = object[name]?.string, (1...maximumNameBytes).contains(text.utf8.count),
      text.unicodeScalars.allSatisfy(allowed.contains)
    else { throw .invalidValue("\(name) must be a name of letters, digits, dots and hyphens.") }
    return text
  }
}

/// Keys as they are sealed: `18:hex 17:hex`.
enum StoredServiceKeys {
  static func text(_ keys: [ServiceKey]) -> [UInt8] {
    let parts = keys.map { key in key.bytes.withBytes { "\(key.encryptionType.rawValue):\(Hex.encode(Array($0)))" } }
    return Array(parts.joined(separator: " ").utf8)
  }

  /// - Throws: `StoreError` `corrupt`, which names the record.
  static func parse(_ secret: SecretBytes, of id: String) throws -> [ServiceKey] {
    try secret.withBytes { String(decoding: $0, as: UTF8.self) }.split(separator: " ").map { part in
      let pair = part.split(separator: ":")
      guard pair.count == 2, let type = Int32(pair[0]).flatMap(EncryptionType.init(rawValue:)),
        let bytes = Hex.decode(pair[1])
      else { throw StoreError.corrupt("service_key.sealed", row: id) }
      return ServiceKey(encryptionType: type, bytes: SecretBytes(bytes))
    }
  }
}
