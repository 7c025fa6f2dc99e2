// SPDX-License-Identifier: Apache-2.0

/// The configuration's schema as JSON Schema (draft 2020-12): what editors use to check and complete the file.
final class JSONSchema: Encodable, Sendable {
  let schema: String?
  let title: String?
  let description: String?
  let type: String?
  let items: JSONSchema?
  let properties: [String: JSONSchema]?
  let required: [String]?
  let additionalProperties: Bool?
  let minProperties: Int?
  let maxProperties: Int?
  let minimum: Int?
  let maximum: Int?
  let choices: [String]?

  private enum CodingKeys: String, CodingKey {
    case schema = "$schema"
    case choices = "enum"
    case title, description, type, items, properties, required, additionalProperties, minProperties, maxProperties
    case minimum, maximum
  }

  convenience init(_ source: Schema, title: String) {
    self.init(source, description: nil, title: title)
  }

  private init(_ source: Schema, description: String?, title: String? = nil) {
    schema = title == nil ? nil : "https://json-schema.org/draft/2020-12/schema"
    self.title = title
    self.description = description
    var names: [String: JSONSchema]?
    var needed: [String]?
    switch source {
    case .object(let list):
      names = Dictionary(uniqueKeysWithValues: list.map { ($0.name, JSONSchema($0.schema, description: $0.summary)) })
      needed = list.filter(\.required).map(\.name)
    case .secret:
      names = Dictionary(
        uniqueKeysWithValues: ["file", "environment", "credential"].map {
          ($0, JSONSchema(.string(.text), description: nil))
        })
    default: break
    }
    properties = names
    required = needed
    additionalProperties = names == nil ? nil : false
    let isSecret = if case .secret = source { true } else { false }
    minProperties = isSecret ? 1 : nil
    maxProperties = isSecret ? 1 : nil
    items = if case .list(let element) = source { JSONSchema(element, description: nil) } else { nil }
    let range: ClosedRange<Int>? = if case .integer(let range) = source { range } else { nil }
    minimum = range?.lowerBound
    maximum = range?.upperBound
    choices = if case .choice(let names) = source { names } else { nil }
    type =
      switch source {
      case .object, .secret: "object"
      case .list: "array"
      case .string, .choice: "string"
      case .integer: "integer"
      case .boolean: "boolean"
      }
  }
}
