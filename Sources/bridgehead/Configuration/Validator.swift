// SPDX-License-Identifier: Apache-2.0

import Wire
import Yams

/// One thing that is wrong with a configuration file: where, what, and what to do.
struct ConfigurationIssue: FileIssue, Equatable, Encodable {
  let line: Int
  let column: Int
  /// The property, for example `connect.forests[0].credentials.principal`.
  let path: String
  let message: String
  let remedy: String
}

/// Holds a YAML tree against the schema and collects every issue, not only the first.
struct Validator {
  /// Nesting deeper than this is refused before it is walked.
  static let maximumDepth = 32
  private(set) var issues: [ConfigurationIssue] = []

  mutating func validate(_ node: Node, _ schema: Schema, path: String = "", depth: Int = 0) {
    guard depth < Self.maximumDepth else {
      return report(node, path, "is nested too deeply", remedy: "flatten it: no property lies this deep")
    }
    switch schema {
    case .object(let properties): validateObject(node, properties, path, depth)
    case .list(let element):
      guard let sequence = node.sequence else { return mismatch(node, schema, path) }
      for (index, item) in sequence.enumerated() {
        validate(item, element, path: "\(path)[\(index)]", depth: depth + 1)
      }
    case .string(let kind):
      guard let text = node.scalar?.string, node.null == nil, kind.accepts(text) else {
        return mismatch(node, schema, path)
      }
    case .integer(let range):
      guard let value = node.int, range.contains(value) else { return mismatch(node, schema, path) }
    case .boolean:
      guard node.bool != nil else { return mismatch(node, schema, path) }
    case .choice(let names):
      guard let text = node.scalar?.string, names.contains(text) else { return mismatch(node, schema, path) }
    case .secret: validateSecret(node, path)
    }
  }

  private mutating func validateObject(_ node: Node, _ properties: [Schema.Property], _ path: String, _ depth: Int) {
    guard let mapping = node.mapping else { return mismatch(node, .object(properties), path) }
    var seen: Set<String> = []
    for (key, value) in mapping {
      let name = key.scalar?.string ?? ""
      let place = path.isEmpty ? name : "\(path).\(name)"
      guard let property = properties.first(where: { $0.name == name }) else {
        report(key, place, "is not a known property", remedy: suggestion(name, properties.map(\.name)))
        continue
      }
      seen.insert(name)
      validate(value, property.schema, path: place, depth: depth + 1)
    }
    for property in properties where property.required && !seen.contains(property.name) {
      let place = path.isEmpty ? property.name : "\(path).\(property.name)"
      report(node, place, "is missing", remedy: "add it: \(property.summary)")
    }
  }

  private mutating func validateSecret(_ node: Node, _ path: String) {
    let kinds = ["file", "environment", "credential"]
    let remedy = "write one of { file: PATH }, { environment: VARIABLE } or { credential: NAME }"
    guard let mapping = node.mapping else {
      return report(node, path, "must be a reference to a secret, not the secret itself", remedy: remedy)
    }
    guard mapping.count == 1, let (key, value) = mapping.first, let kind = key.scalar?.string, kinds.contains(kind),
      let text = value.scalar?.string, !text.isEmpty
    else { return report(node, path, "is not a reference to a secret", remedy: remedy) }
  }

  private mutating func mismatch(_ node: Node, _ schema: Schema, _ path: String) {
    let found =
      switch node {
      case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "'\(scalar.string.prefix(80))'"
      case .mapping: "a mapping"
      case .sequence: "a list"
      case .alias: "an alias"
      }
    report(
      node, path.isEmpty ? "the file" : path, "must be \(schema.noun); found \(found)",
      remedy: "write \(schema.noun) here")
  }

  private mutating func report(_ node: Node, _ path: String, _ message: String, remedy: String) {
    issues.append(
      ConfigurationIssue(
        line: node.mark?.line ?? 1, column: node.mark?.column ?? 1, path: path, message: "\(path) \(message)",
        remedy: remedy))
  }

  private func suggestion(_ name: String, _ known: [String]) -> String {
    Suggestion.text(for: name, among: known) ?? "known here: " + known.joined(separator: ", ")
  }
}
