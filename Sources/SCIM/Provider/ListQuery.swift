// SPDX-License-Identifier: Apache-2.0

/// What a client asks of a list: the parameters of a GET (RFC 7644 3.4.2) or the body of a POST to `/.search` (3.4.3).
package struct ListQuery: Sendable, Hashable {
  package var filter: Filter?
  package var sortBy: AttributePath?
  package var isDescending = false
  package var startIndex: Int?
  package var count: Int?
  package var attributes: [String] = []
  package var excludedAttributes: [String] = []

  package init() {}

  /// - Parameter parameters: decoded names and values of the URL's query; unknown names are ignored.
  /// - Throws: 400 `invalidFilter`, `invalidPath` for sortBy, `invalidValue` for all else.
  package init(parameters: [(name: String, value: String)]) throws(SCIMError) {
    for (name, value) in parameters {
      switch name.lowercased() {
      case "filter": if !value.isEmpty { filter = try Filter.parse(value) }
      case "sortby": if !value.isEmpty { sortBy = try Self.path(value) }
      case "sortorder": isDescending = try Self.descending(value)
      case "startindex": startIndex = try Self.integer(value, name)
      case "count": count = try Self.integer(value, name)
      case "attributes": attributes += Self.names(value)
      case "excludedattributes": excludedAttributes += Self.names(value)
      default: break
      }
    }
    try check()
  }

  /// - Throws: 400 `invalidSyntax` for what is no search request, else as above.
  package init(searchRequest message: JSONValue) throws(SCIMError) {
    guard let object = message.object else { throw .invalidSyntax("A search request must be an object.") }
    try SCIMURI.require(SCIMURI.searchRequest, in: object)
    if let text = try Self.text(object, "filter") { filter = try Filter.parse(text) }
    if let text = try Self.text(object, "sortBy") { sortBy = try Self.path(text) }
    if let text = try Self.text(object, "sortOrder") { isDescending = try Self.descending(text) }
    startIndex = try Self.integer(object, "startIndex")
    count = try Self.integer(object, "count")
    attributes = try Self.names(object, "attributes")
    excludedAttributes = try Self.names(object, "excludedAttributes")
    try check()
  }

  package var searchRequest: JSONValue {
    var object: JSONObject = ["schemas": [.string(SCIMURI.searchRequest)]]
    for (name, value) in parameters {
      switch name {
      case "startIndex", "count": object[name] = Int64(value).map(JSONValue.integer)
      case "attributes", "excludedAttributes": object[name] = .array(Self.names(value).map(JSONValue.string))
      default: object[name] = .string(value)
      }
    }
    return .object(object)
  }

  /// The parameters of a GET, not yet percent-encoded.
  package var parameters: [(name: String, value: String)] {
    var list: [(name: String, value: String)] = []
    if let filter { list.append(("filter", filter.description)) }
    if let sortBy {
      list.append(("sortBy", sortBy.text))
      if isDescending { list.append(("sortOrder", "descending")) }
    }
    if let startIndex { list.append(("startIndex", String(startIndex))) }
    if let count { list.append(("count", String(count))) }
    if !attributes.isEmpty { list.append(("attributes", attributes.joined(separator: ","))) }
    if !excludedAttributes.isEmpty { list.append(("excludedAttributes", excludedAttributes.joined(separator: ","))) }
    return list
  }

  private func check() throws(SCIMError) {
    guard attributes.isEmpty || excludedAttributes.isEmpty else {
      throw .invalidValue("attributes and excludedAttributes exclude each other.")
    }
  }

  private static func path(_ text: String) throws(SCIMError) -> AttributePath {
    guard let path = AttributePath(text) else { throw .invalidPath("sortBy is not an attribute's name.") }
    return path
  }

  private static func descending(_ text: String) throws(SCIMError) -> Bool {
    switch text.lowercased() {
    case "", "ascending": false
    case "descending": true
    default: throw .invalidValue("sortOrder must be ascending or descending.")
    }
  }

  private static func integer(_ text: String, _ name: String) throws(SCIMError) -> Int {
    guard let value = Int(text) else { throw .invalidValue("\(name) must be an integer.") }
    return value
  }

  private static func names(_ text: String) -> [String] {
    text.split(separator: ",").map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
      .filter { !$0.isEmpty }
  }

  private static func text(_ object: JSONObject, _ name: String) throws(SCIMError) -> String? {
    switch object.value(named: name) {
    case nil, .null, .string(""): return nil
    case .string(let text): return text
    default: throw .invalidValue("\(name) must be a string.")
    }
  }

  private static func integer(_ object: JSONObject, _ name: String) throws(SCIMError) -> Int? {
    switch object.value(named: name) {
    case nil, .null: return nil
    case .integer(let value): return Int(clamping: value)
    default: throw .invalidValue("\(name) must be an integer.")
    }
  }

  private static func names(_ object: JSONObject, _ name: String) throws(SCIMError) -> [String] {
    switch object.value(named: name) {
    case nil, .null: return []
    case .string(let text): return names(text)
    case .array(let values):
      return try values.map { value throws(SCIMError) in
        guard let text = value.string else { throw .invalidValue("\(name) must hold strings only.") }
        return text
      }
    default: throw .invalidValue("\(name) must be an array of strings.")
    }
  }
}
