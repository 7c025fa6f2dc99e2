// SPDX-License-Identifier: Apache-2.0

/// The elements of a multi-valued attribute, found by equality or by their `value`, so that comparing two long arrays
/// stays linear.
struct ElementIndex {
  private let elements: [JSONValue]
  private var exact: [JSONValue: Int] = [:]
  private var byValue: [JSONValue: [Int]] = [:]
  /// Elements of one `value` that are compared; a person has few types of one address.
  private static let maximumCandidates = 16

  init(_ elements: [JSONValue]) {
    self.elements = elements
    for (index, element) in elements.enumerated() {
      if exact[element] == nil { exact[element] = index }
      if let value = element.object?["value"], byValue[value, default: []].count < Self.maximumCandidates {
        byValue[value, default: []].append(index)
      }
    }
  }

  /// The element that says everything that the given one says.
  func place(of element: JSONValue) -> Int? {
    exact[element] ?? candidates(for: element).first { Self.contains(elements[$0], element) }
  }

  /// Whether an element says nothing that the given one does not say as well.
  func hasPart(of element: JSONValue) -> Bool {
    exact[element] != nil || candidates(for: element).contains { Self.contains(element, elements[$0]) }
  }

  private func candidates(for element: JSONValue) -> [Int] {
    element.object?["value"].flatMap { byValue[$0] } ?? []
  }

  private static func contains(_ element: JSONValue, _ other: JSONValue) -> Bool {
    guard let element = element.object, let other = other.object else { return element == other }
    return other.members.allSatisfy { element[$0.name] == $0.value }
  }
}
