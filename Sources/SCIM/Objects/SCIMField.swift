// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import IdentityModel
import Wire

/// How attributes of the metaverse stand in one attribute of a SCIM resource, in both directions.
struct SCIMField: Sendable {
  /// Those of the metaverse; a change of any of them tells the SCIM attribute anew.
  let names: [String]
  let path: SCIMFieldPath
  /// The value of an object with these attributes; nil where it has none.
  let value: @Sendable (Attributes) -> JSONValue?
  /// Takes over what the service holds.
  let read: @Sendable (JSONValue, inout Attributes) -> Void
}

/// Where a value stands: `title`, `name.givenName`, or `urn:…:User:department` in an extension.
package struct SCIMFieldPath: Sendable {
  package let text: String
  /// The URI of the extension; nil for attributes of the core schema.
  private let container: String?
  /// The names from the resource down to the value.
  private let steps: [String]

  package init(_ text: String, extension uri: String? = nil) {
    self.text = uri.map { "\($0):\(text)" } ?? text
    container = uri
    steps = [uri].compactMap { $0 } + text.split(separator: ".").map(String.init)
  }

  func value(in resource: SCIMResource) -> JSONValue? {
    steps.reduce(resource.json) { $0?.object?[$1] }
  }

  func set(_ value: JSONValue?, in resource: inout SCIMResource) {
    guard let value else { return }
    if let container { resource.declare(container) }
    resource.attributes = Self.put(value, at: steps[...], in: resource.attributes)
  }

  private static func put(_ value: JSONValue, at steps: ArraySlice<String>, in object: JSONObject) -> JSONObject {
    guard let name = steps.first else { return object }
    var object = object
    object[name] =
      steps.count == 1 ? value : .object(put(value, at: steps.dropFirst(), in: object[name]?.object ?? JSONObject()))
    return object
  }
}

// MARK: Single values

extension SCIMField {
  static func text(_ name: String, _ path: String, in uri: String? = nil) -> SCIMField {
    SCIMField(
      names: [name], path: SCIMFieldPath(path, extension: uri),
      value: { $0.text(name).map(JSONValue.string) },
      read: { value, attributes in
        if let text = value.string, !text.isEmpty { attributes.set(name, texts: [text]) }
      })
  }

  /// - Parameter always: what an object without the attribute is told to have; nil leaves it out.
  static func flag(_ name: String, _ path: String, in uri: String? = nil, always: Bool? = nil) -> SCIMField {
    SCIMField(
      names: [name], path: SCIMFieldPath(path, extension: uri),
      value: { attributes in (attributes.text(name).map { $0 != "false" } ?? always).map(JSONValue.bool) },
      read: { value, attributes in
        if let flag = value.bool { attributes.set(name, texts: [flag ? "true" : "false"]) }
      })
  }

  /// The bytes of a security identifier, as text (MS-DTYP 2.4.2.1).
  static func securityIdentifier(_ name: String, _ path: String, in uri: String? = nil) -> SCIMField {
    SCIMField(
      names: [name], path: SCIMFieldPath(path, extension: uri),
      value: { attributes in
        attributes[name].first.flatMap { try? SecurityIdentifier($0) }.map { .string($0.description) }
      },
      read: { value, attributes in
        if let identifier = value.string.flatMap({ SecurityIdentifier($0) }) { attributes[name] = [identifier.bytes] }
      })
  }
}

// MARK: Several values

// A value of a multi-valued attribute has no name of its own: the whole attribute is told.
extension SCIMField {
  /// Mail addresses: the primary one of type work, the others of type other.
  static func emails(in uri: String? = nil) -> SCIMField {
    SCIMField(
      names: ["proxyAddresses"], path: SCIMFieldPath("emails", extension: uri),
      value: { attributes in
        array(
          attributes.texts("proxyAddresses").map { address in
            let isPrimary = address.hasPrefix("SMTP:")
            return SCIMMultiValue(Address.bare(address), type: isPrimary ? "work" : "other", primary: isPrimary).json
          })
      },
      read: { value, attributes in
        attributes.set(
          "proxyAddresses",
          texts: (value.array ?? []).compactMap(SCIMMultiValue.init).map { ($0.primary ? "SMTP:" : "smtp:") + $0.value }
        )
      })
  }

  /// Whether mail can be sent to a group, which its addresses say; told where the purpose of groups is.
  static func mailEnabled(in uri: String) -> SCIMField {
    SCIMField(
      names: ["proxyAddresses", "securityEnabled"], path: SCIMFieldPath("mailEnabled", extension: uri),
      value: { attributes in
        let isMailEnabled = !attributes["proxyAddresses"].isEmpty
        return isMailEnabled || !attributes["securityEnabled"].isEmpty ? .bool(isMailEnabled) : nil
      }, read: { _, _ in })
  }

  /// Those of users and contacts.
  static let phones = phones(
    [("telephoneNumber", "work"), ("mobile", "mobile"), ("homePhone", "home"), ("facsimileTelephoneNumber", "fax")],
    others: [("otherTelephone", "other")])

  /// - Parameters:
  ///   - single: attributes of one number, and the type that it has.
  ///   - others: attributes of several numbers.
  private static func phones(
    _ single: [(name: String, type: String)], others: [(name: String, type: String)]
  ) -> SCIMField {
    SCIMField(
      names: (single + others).map(\.name), path: SCIMFieldPath("phoneNumbers"),
      value: { attributes in
        array(
          single.compactMap { name, type in attributes.text(name).map { SCIMMultiValue($0, type: type).json } }
            + others.flatMap { name, type in attributes.texts(name).map { SCIMMultiValue($0, type: type).json } })
      },
      read: { value, attributes in
        let numbers = (value.array ?? []).compactMap(SCIMMultiValue.init)
        func texts(_ type: String) -> [String] { numbers.filter { $0.type == type && !$0.value.isEmpty }.map(\.value) }
        for (name, type) in single { attributes.set(name, texts: Array(texts(type).prefix(1))) }
        for (name, type) in others { attributes.set(name, texts: texts(type)) }
      })
  }

  /// The address of type work.
  static let address: SCIMField = {
    let parts = [
      ("streetAddress", "streetAddress"), ("city", "locality"), ("state", "region"), ("postalCode", "postalCode"),
      ("country", "country"),
    ]
    return SCIMField(
      names: parts.map(\.0), path: SCIMFieldPath("addresses"),
      value: { attributes in
        var address = JSONObject()
        for (name, part) in parts { address[part] = attributes.text(name).map(JSONValue.string) }
        guard !address.isEmpty else { return nil }
        address["type"] = "work"
        return [.object(address)]
      },
      read: { value, attributes in
        let address = value.array?.compactMap(\.object).first { $0["type"]?.string == "work" }
        for (name, part) in parts {
          let text = address?[part]?.string ?? ""
          attributes.set(name, texts: text.isEmpty ? [] : [text])
        }
      })
  }()

  /// Certificates in DER, in base64.
  static func certificates(_ name: String) -> SCIMField {
    SCIMField(
      names: [name], path: SCIMFieldPath("x509Certificates"),
      value: { attributes in
        array(attributes[name].map { SCIMMultiValue(Data($0).base64EncodedString()).json })
      },
      read: { value, attributes in
        let values = (value.array ?? []).compactMap(SCIMMultiValue.init).compactMap { Data(base64Encoded: $0.value) }
        if !values.isEmpty { attributes[name] = values.map { Array($0) } }
      })
  }

  private static func array(_ values: [JSONValue]) -> JSONValue? { values.isEmpty ? nil : .array(values) }
}
