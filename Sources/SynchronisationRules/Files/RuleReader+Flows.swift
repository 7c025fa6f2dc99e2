// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Wire
import Yams

/// The values that a rule lets flow, and where they come from.
extension RuleReader {
  private static let sources = ["direct", "constant", "expression", "reference", "clear"]

  mutating func flow(_ node: Node, to kind: ObjectKind) -> Flow? {
    guard let fields = mapping(node, "A flow", ["to"] + Self.sources + ["merge", "once"]),
      let target = required(fields, "to", "A flow", node), let name = text(target, "to", in: node),
      known(name, kind, target.mark)
    else { return nil }
    let given = Self.sources.filter { fields[$0] != nil }
    guard given.count == 1, let key = given.first, let value = fields[key] else {
      report(
        node.mark, "The flow to \(name) has \(given.isEmpty ? "no source" : "more than one source")",
        "give one of \(Self.sources.joined(separator: ", "))")
      return nil
    }
    guard let source = source(key, value) else { return nil }
    let isReference = if case .reference = source { true } else { false }
    let form = MetaverseSchema.attribute(name, of: kind)
    if form?.isReference != isReference, source != .clear {
      report(
        value.mark, isReference ? "\(name) refers to no objects" : "\(name) refers to objects",
        isReference ? "write direct or expression" : "write 'reference:' and the attribute of the directory")
      return nil
    }
    var flow = Flow(to: name, source: source)
    if let field = fields["once"] { flow.once = boolean(field, "once") }
    if let field = fields["merge"] {
      flow.merge = choice(field, "merge", Flow.Merge.allCases) ?? .update
      if flow.merge != .update, form?.isMultiValued != true {
        report(field.mark, "\(name) has one value: there is nothing to merge", "leave merge out")
      }
    }
    if isReference, flow.once || flow.merge != .update {
      report(node.mark, "References flow whole", "leave merge and once out")
    }
    return flow
  }

  private mutating func source(_ key: String, _ value: Node) -> Flow.Source? {
    switch key {
    case "direct": return attribute(value).map(Flow.Source.direct)
    case "reference": return attribute(value).map(Flow.Source.reference)
    case "constant":
      let items = value.sequence.map(Array.init) ?? [value]
      let texts = items.compactMap { $0.scalar?.string }.filter { !$0.isEmpty }
      guard texts.count == items.count, !texts.isEmpty, value.null == nil else {
        report(value.mark, "A constant must be text or a list of texts", "write the value, or 'clear: true' for none")
        return nil
      }
      return .constant(texts)
    case "clear":
      if !boolean(value, "clear") { report(value.mark, "clear can only be true", "leave the flow out instead") }
      return .clear
    default: return expression(value)
    }
  }

  private mutating func expression(_ node: Node) -> Flow.Source? {
    guard let scalar = node.scalar else {
      report(node.mark, "An expression must be text", "write it in single quotes")
      return nil
    }
    do {
      return .expression(try Expression(scalar.string))
    } catch {
      let place = place(of: error.position, in: scalar, node.mark)
      let inside =
        error.position.line == 1
        ? "in the expression at column \(error.position.column)"
        : "in the expression at line \(error.position.line), column \(error.position.column)"
      report(place, "\(error.message) (\(inside))", error.remedy)
      return nil
    }
  }

  /// Where a place within a text stands in the file; where the text was folded or escaped, the beginning of the text.
  private func place(of position: TextPosition, in scalar: Node.Scalar, _ mark: Mark?) -> TextPosition {
    let start = TextPosition(line: mark?.line ?? 1, column: mark?.column ?? 1)
    func line(_ number: Int) -> Substring { number >= 1 && number <= lines.count ? lines[number - 1] : "" }
    switch scalar.style {
    case .literal:
      // The text begins under the sign, indented like its first line that is not empty.
      let first = (start.line + 1...start.line + 64).first { !line($0).allSatisfy(\.isWhitespace) } ?? start.line + 1
      let indent = line(first).prefix { $0 == " " }.count
      return TextPosition(line: start.line + position.line, column: indent + position.column)
    case .plain, .singleQuoted, .doubleQuoted, .any:
      let quote = line(start.line).dropFirst(start.column - 1).first
      let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
      let content = line(start.line).dropFirst(start.column - 1 + (isQuoted && (quote == "'" || quote == "\"") ? 1 : 0))
      guard position.line == 1, content.hasPrefix(scalar.string) else { return start }
      return TextPosition(line: start.line, column: start.column + (isQuoted ? 1 : 0) + position.column - 1)
    default: return start
    }
  }

  mutating func known(_ name: String, _ kind: ObjectKind, _ mark: Mark?) -> Bool {
    if MetaverseSchema.attribute(name, of: kind) != nil { return true }
    let names = MetaverseSchema.names(of: kind)
    report(
      mark, "A \(kind.rawValue) in the metaverse has no attribute \(name)",
      Suggestion.text(for: name, among: names) ?? "known are \(names.joined(separator: ", "))")
    return false
  }
}
