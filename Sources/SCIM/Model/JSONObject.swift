// SPDX-License-Identifier: Apache-2.0

/// A JSON object that keeps the order of its members. Two objects are equal when their members are, in any order.
package struct JSONObject: Sendable {
  package struct Member: Sendable {
    package var name: String
    package var value: JSONValue
  }

  package private(set) var members: [Member]

  package init() { members = [] }

  /// Takes over members whose names are known to be distinct.
  init(distinct members: [Member]) { self.members = members }

  package var isEmpty: Bool { members.isEmpty }
  package var count: Int { members.count }
  package var names: [String] { members.map(\.name) }

  /// The member of exactly this name; setting nil removes it.
  package subscript(name: String) -> JSONValue? {
    get { members.first { $0.name == name }?.value }
    set {
      let index = members.firstIndex { $0.name == name }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(Member(name: name, value: value))
      case (nil, nil): break
      }
    }
  }

  /// The first member whose name matches without regard to ASCII case, as SCIM names do (RFC 7643 2.1).
  package func value(named name: String) -> JSONValue? {
    members.first { SCIMText.namesMatch($0.name, name) }?.value
  }
}

extension JSONObject: Hashable {
  package static func == (left: JSONObject, right: JSONObject) -> Bool {
    guard left.count == right.count else { return false }
    if zip(left.members, right.members).allSatisfy({ $0.name == $1.name }) {
      return zip(left.members, right.members).allSatisfy { $0.value == $1.value }
    }
    let others = Dictionary(right.members.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    return left.members.allSatisfy { others[$0.name] == $0.value }
  }

  package func hash(into hasher: inout Hasher) {
    for member in members.sorted(by: { $0.name < $1.name }) {
      hasher.combine(member.name)
      hasher.combine(member.value)
    }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init()
    for (name, value) in elements { self[name] = value }
  }
}
