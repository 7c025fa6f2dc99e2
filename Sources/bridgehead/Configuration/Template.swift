// SPDX-License-Identifier: Apache-2.0

extension Schema {
  /// A commented example of the file: what `config init` writes. Optional properties are commented out.
  static func template() -> String {
    guard case .object(let properties) = configuration else { return "" }
    var lines = [
      "# The configuration of Bridgehead. 'bridgehead config validate' checks it; secrets are named, never written here.",
      "# yaml-language-server: $schema=bridgehead.schema.json",
    ]
    for property in properties where property.example != nil || ["connect", "trust", "tenant"].contains(property.name) {
      lines.append("")
      lines += render(property, indent: 0)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func render(_ property: Property, indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    var lines = ["\(margin)# \(property.summary)"]
    switch property.schema {
    case .object(let properties):
      lines.append("\(margin)\(property.name):")
      for inner in properties where shows(inner) { lines += render(inner, indent: indent + 2) }
    case .list(of: .object(let properties)):
      lines.append("\(margin)\(property.name):")
      let inner = properties.filter(shows).flatMap { render($0, indent: indent + 4) }
      for (index, line) in inner.enumerated() {
        lines.append(index == 0 ? margin + "  - " + line.dropFirst(indent + 4) : line)
      }
    default:
      if let example = property.example { lines.append("\(margin)\(property.name): \(example)") }
    }
    return lines
  }

  private static func shows(_ property: Property) -> Bool {
    switch property.schema {
    case .object, .list(of: .object): property.required || ["organizationalUnits", "target"].contains(property.name)
    default: property.example != nil
    }
  }
}
