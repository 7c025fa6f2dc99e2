// SPDX-License-Identifier: Apache-2.0

/// Distinguished names as far as the engine makes and compares them.
enum DistinguishedName {
  /// The DNS name of the domain that a name belongs to: its last components, as far as they are `DC=`.
  static func domain(of name: String) -> String {
    var labels: [Substring] = []
    let parts = folded(name).split(separator: ",", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated().reversed() {
      // Behind an escaped comma a part goes on with the name of an object.
      let isComponent = index == 0 || parts[index - 1].reversed().prefix { $0 == "\\" }.count.isMultiple(of: 2)
      guard isComponent, part.hasPrefix("dc=") else { break }
      labels.append(part.dropFirst(3))
    }
    return labels.reversed().joined(separator: ".")
  }

  /// Without regard to case and to blanks around separators (RFC 4514 leaves them to string preparation).
  static func folded(_ name: String) -> String {
    var result = ""
    var isEscaped = false
    var isAfterSeparator = true
    var blanks = ""
    for character in name.lowercased() {
      if isEscaped {
        result.append(character)
        (isEscaped, isAfterSeparator) = (false, false)
        continue
      }
      switch character {
      case " ":
        blanks.append(character)
        continue
      case ",", "=":
        // Blanks before a separator go; those after it are dropped below.
        (blanks, isAfterSeparator) = ("", true)
      default:
        if !isAfterSeparator { result += blanks }
        (blanks, isAfterSeparator) = ("", false)
      }
      isEscaped = character == "\\"
      result.append(character)
    }
    return result
  }
}
