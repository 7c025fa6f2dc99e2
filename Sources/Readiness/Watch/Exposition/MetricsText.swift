// SPDX-License-Identifier: Apache-2.0

/// Metrics in Prometheus' text format 0.0.4, made from values at hand: all lines of one metric stand together.
struct MetricsText {
  private struct Family {
    var help: String
    var lines: [String] = []
  }

  private var families: [String: Family] = [:]
  private var order: [String] = []

  /// Lines beyond this are left out: a topology has thousands, a hostile peer must not make millions.
  static let maximumLines = 100_000
  private var count = 0
  private var seen: Set<String> = []

  /// - Parameter labels: values from wherever; they are escaped and shortened.
  mutating func gauge(_ name: String, _ help: String, _ labels: [(String, String)], _ value: Double) {
    guard count < Self.maximumLines else { return }
    let text = labels.map { "\($0.0)=\"\(Self.escape($0.1))\"" }.joined(separator: ",")
    // A series has one value: Prometheus refuses all of them otherwise.
    guard seen.insert(name + text).inserted else { return }
    count += 1
    if families[name] == nil {
      families[name] = Family(help: help)
      order.append(name)
    }
    families[name]?.lines.append("\(name)\(text.isEmpty ? "" : "{\(text)}") \(Self.number(value))")
  }

  var text: String {
    order.map { name in
      let family = families[name] ?? Family(help: "")
      return "# HELP \(name) \(family.help)\n# TYPE \(name) gauge\n" + family.lines.joined(separator: "\n") + "\n"
    }.joined()
  }

  /// Whole numbers without a fraction: timestamps would otherwise lose digits to an exponent.
  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
  }

  /// The longest value of a label, in characters.
  static let maximumValue = 256

  private static func escape(_ text: String) -> String {
    text.prefix(maximumValue).reduce(into: "") { result, character in
      switch character {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n", "\r", "\r\n": result += "\\n"
      default: result.append(character)
      }
    }
  }
}
