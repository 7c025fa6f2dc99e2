// SPDX-License-Identifier: Apache-2.0

import PortReference

/// What the access lists of ASA and IOS have in common.
enum Cisco {
  static func list(_ host: PlannedHost, _ direction: Direction, _ identifiers: inout Identifiers) -> String {
    identifiers.identifier("BRIDGEHEAD-\(host.name)-\(direction == .egress ? "OUT" : "IN")")
  }

  /// A remark has up to 100 characters.
  static func remarks(_ rule: Rule) -> [String] {
    var lines = [String(Script.oneLine(rule.title).prefix(100))]
    var words = Script.oneLine(rule.reason).split(separator: " ")
    while !words.isEmpty {
      var line = ""
      while let word = words.first, line.count + word.count < 100 {
        line += (line.isEmpty ? "" : " ") + word
        words.removeFirst()
      }
      guard !line.isEmpty else { break }
      lines.append(line)
    }
    return lines
  }

  static func ports(_ ports: Ports) -> String {
    ports.first == ports.last ? "eq \(ports.first)" : "range \(ports.first) \(ports.last)"
  }
}
