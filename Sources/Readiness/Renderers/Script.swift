// SPDX-License-Identifier: Apache-2.0

import PortReference

/// A rule file under construction: lines, comments, and what could not be said.
struct Script {
  private let mark: String
  /// Characters that a device's command line would act upon, even in a comment.
  private let acting: String
  private(set) var lines: [String] = []
  private var gaps: [Gap] = []
  private var excesses: [QuotaExcess] = []

  /// - Parameter mark: what begins a comment; a comment ends with its line in every format.
  init(comment mark: String, acting: String = "") {
    self.mark = mark
    self.acting = acting
  }

  mutating func line(_ text: String = "") { lines.append(text) }

  /// - Parameter text: may come from the topology; it stays on one line.
  mutating func comment(_ text: String, indent: Int = 0) {
    lines.append(
      String(repeating: " ", count: indent) + mark
        + (text.isEmpty ? "" : " " + Self.oneLine(text).filter { !acting.contains($0) }))
  }

  mutating func header(_ plan: Plan, _ notes: [String]) {
    comment(
      "Rules for \(plan.name), made by 'bridgehead ports plan': \(plan.hosts.map(\.name).joined(separator: ", "))")
    for note in notes { comment(note) }
  }

  mutating func heading(_ host: PlannedHost, indent: Int = 0) {
    let note = host.note.map { ": \($0)" } ?? ""
    comment("\(host.name), \(host.role.title)\(note)", indent: indent)
  }

  /// Row, peers and reason above a rule.
  mutating func explain(_ rule: Rule, indent: Int = 0) {
    let ends = rule.direction == .egress ? "to \(rule.peersText)" : "from \(rule.peersText)"
    comment("\(rule.label): \(ends). \(rule.reason)", indent: indent)
    comment("Needed by: \(rule.features.map(\.rawValue).joined(separator: ", "))", indent: indent)
  }

  /// Tells what of a rule has no words in this format: the host's own place, or peers that are only names.
  ///
  /// - Parameters:
  ///   - names: those that the format could say.
  ///   - tags: whether it could say service tags.
  mutating func tellGaps(of rule: Rule, except names: [DNSPattern] = [], tags: Bool = false, indent: Int = 0) {
    if rule.isPlaceless {
      return gap(
        rule, "\(rule.host) has no address in the topology", "add addresses to \(rule.host) in the topology", indent)
    }
    for peer in rule.namedPeers where !(tags && peer.serviceTag != nil) {
      let missing = peer.names.filter { !names.contains($0) }
      guard !missing.isEmpty || peer.names.isEmpty else { continue }
      let what = missing.isEmpty ? "service tag \(peer.serviceTag ?? "")" : missing.map(\.text).joined(separator: ", ")
      gap(
        rule, "this format has no words for \(what) (\(peer.name))",
        missing.contains(where: \.isWildcard)
          ? "send this traffic through an HTTP proxy with these names as its allow-list, or use a format with names"
          : "add addresses to \(peer.name), or use an HTTP proxy or a format with names", indent)
    }
  }

  mutating func gap(_ rule: Rule, _ message: String, _ remedy: String, _ indent: Int = 0) {
    gaps.append(Gap(host: rule.host, rows: rule.rows, message: message, remedy: remedy))
    comment("NOT EXPRESSED: \(message): no rule for \(rule.service). Remedy: \(remedy).", indent: indent)
  }

  /// Tells where a host's rules pass a quota, in a comment too.
  mutating func count(_ number: Int, against quota: Quota, at host: PlannedHost) {
    guard let excess = quota.excess(number, at: host.name) else { return }
    excesses.append(excess)
    comment("QUOTA: \(excess.message). Remedy: \(excess.remedy).")
  }

  /// What is missing for several rules of a host is told once.
  var rendering: Rendering {
    var told: [Gap] = []
    for gap in gaps {
      if let place = told.firstIndex(where: { $0.host == gap.host && $0.message == gap.message }) {
        let rows = RowID.allCases.filter((told[place].rows + gap.rows).contains)
        told[place] = Gap(host: gap.host, rows: rows, message: gap.message, remedy: gap.remedy)
      } else {
        told.append(gap)
      }
    }
    return Rendering(text: lines.joined(separator: "\n") + "\n", gaps: told, excesses: excesses)
  }

  /// One line without control characters, invisible formatting or line separators of any script.
  static func oneLine(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: result.append(" ")
      case .format, .surrogate, .privateUse, .unassigned: continue
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}

/// Identifiers of a language, each given once: two names that differ only in characters that it lacks stay apart.
struct Identifiers {
  private var given: [String: String] = [:]
  private var taken: Set<String> = []
  private let extra: String

  /// - Parameter extra: what the language allows beside ASCII letters, digits and underscores.
  init(allowing extra: String = "") { self.extra = extra }

  mutating func identifier(_ text: String) -> String {
    if let known = given[text] { return known }
    let base = Self.sanitised(text, allowing: extra)
    var result = base
    var number = 2
    while taken.contains(result.lowercased()) {
      result = "\(base)_\(number)"
      number += 1
    }
    taken.insert(result.lowercased())
    given[text] = result
    return result
  }

  static func sanitised(_ text: String, allowing extra: String = "") -> String {
    let characters = text.map { character in
      character.isASCII && (character.isLetter || character.isNumber) || character == "_" || extra.contains(character)
        ? character : "_"
    }
    let result = String(characters.prefix(60))
    return result.first.map { $0.isNumber || $0 == "-" } ?? true ? "n" + result : result
  }
}

extension String {
  /// FNV-1a, 32 bits, in hexadecimal: keeps shortened names apart and is the same in every run.
  var hashedText: String {
    let hash = utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    let text = String(hash, radix: 16)
    return String(repeating: "0", count: 8 - text.count) + text
  }
}
