// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import WebPages

/// Verdicts and times for people.
enum Words {
  /// A sign beside the words: nothing is told by colour alone.
  static func sign(_ verdict: Verdict) -> String {
    switch verdict {
    case .works: "✓"
    case .worksWithRemark: "!"
    case .blocked, .refused, .wrongService, .broken: "✗"
    case .inconclusive: "?"
    }
  }

  static func verdict(_ verdict: Verdict) -> String {
    verdict.rawValue.replacing("-", with: " ")
  }

  static func diagnosis(_ diagnosis: Diagnosis) -> String {
    diagnosis == .none ? "nothing to remark" : diagnosis.rawValue.replacing("-", with: " ")
  }

  /// In UTC.
  static func time(_ seconds: Double) -> HTML {
    let date = Date(timeIntervalSince1970: seconds)
    let machine = date.formatted(.iso8601)
    let person = machine.replacing("T", with: " ").replacing("Z", with: " UTC")
    return .element("time", ["datetime": machine], person)
  }

  /// The largest unit, or two.
  static func duration(_ seconds: Double) -> String {
    let total = Int(max(0, min(seconds, 1e9)).rounded())
    let units = [("d", total / 86_400), ("h", total / 3600 % 24), ("min", total / 60 % 60), ("s", total % 60)]
    let shown = units.drop { $0.1 == 0 }.prefix(2).filter { $0.1 > 0 }
    return shown.isEmpty ? "0 s" : shown.map { "\($0.1) \($0.0)" }.joined(separator: " ")
  }

  static func milliseconds(_ seconds: Double?) -> String {
    guard let seconds else { return "not finished" }
    return "\(Int((seconds * 1000).rounded())) ms"
  }
}
