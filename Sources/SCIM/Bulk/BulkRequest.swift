// SPDX-License-Identifier: Apache-2.0

/// One operation of a bulk request (RFC 7644 3.7).
package struct BulkOperation: Sendable, Hashable {
  /// The methods that a bulk operation can have (RFC 7644 3.7).
  package enum Method: String, Sendable, Hashable {
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
  }

  package var method: Method
  /// The client's name for the operation; a POST must have one.
  package var bulkId: String?
  /// The version the resource must be at, as in If-Match.
  package var version: String?
  /// `/Users` for POST, `/Users/{id}` for all else.
  package var path: String
  package var data: JSONValue?

  package init(_ method: Method, path: String, bulkId: String? = nil, version: String? = nil, data: JSONValue? = nil) {
    self.method = method
    self.path = path
    self.bulkId = bulkId
    self.version = version
    self.data = data
  }

  /// The path's parts: the endpoint with its slash and, but for POST, the resource's id.
  package var target: (endpoint: String, id: String?)? {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true)
    guard path.hasPrefix("/"), method == .post ? parts.count == 1 : parts.count == 2 else { return nil }
    return ("/\(parts[0])", parts.count == 2 ? String(parts[1]) : nil)
  }

  package var json: JSONValue {
    var object: JSONObject = ["method": .string(method.rawValue), "path": .string(path)]
    object["bulkId"] = bulkId.map(JSONValue.string)
    object["version"] = version.map(JSONValue.string)
    object["data"] = data
    return .object(object)
  }
}

/// A bulk request (RFC 7644 3.7).
package struct BulkRequest: Sendable, Hashable {
  /// How many operations may fail before the service stops; nil for no end.
  package var failOnErrors: Int?
  package var operations: [BulkOperation]

  package init(_ operations: [BulkOperation], failOnErrors: Int? = nil) {
    self.operations = operations
    self.failOnErrors = failOnErrors
  }

  /// - Throws: 413 above `maximumOperations`, 400 `invalidSyntax` for a malformed message.
  package init(_ message: JSONValue, maximumOperations: Int) throws(SCIMError) {
    guard let object = message.object else { throw .invalidSyntax("A bulk request must be an object.") }
    try SCIMURI.require(SCIMURI.bulkRequest, in: object)
    guard let list = object.value(named: "Operations")?.array, !list.isEmpty else {
      throw .invalidSyntax("A bulk request must have the array \"Operations\" with at least one operation.")
    }
    guard list.count <= maximumOperations else {
      throw .payloadTooLarge(
        "The bulk request has \(list.count) operations; at most \(maximumOperations) are accepted.")
    }
    switch object.value(named: "failOnErrors") {
    case nil, .null: failOnErrors = nil
    case .integer(let value) where value > 0: failOnErrors = Int(clamping: value)
    default: throw .invalidSyntax("failOnErrors must be a positive integer.")
    }
    operations = try list.map { entry throws(SCIMError) in try Self.operation(entry) }
    var seen: Set<String> = []
    for operation in operations {
      if let bulkId = operation.bulkId, !seen.insert(bulkId).inserted {
        throw .invalidSyntax("The bulkId \(bulkId.prefix(64)) is given twice.")
      }
    }
  }

  private static func operation(_ entry: JSONValue) throws(SCIMError) -> BulkOperation {
    guard let object = entry.object, let name = object.value(named: "method")?.string,
      let method = BulkOperation.Method(rawValue: name.uppercased()), let path = object.value(named: "path")?.string
    else { throw .invalidSyntax("A bulk operation must have a method (POST, PUT, PATCH, DELETE) and a path.") }
    let operation = BulkOperation(
      method, path: path, bulkId: object.value(named: "bulkId")?.string,
      version: object.value(named: "version")?.string, data: object.value(named: "data"))
    guard operation.target != nil else {
      throw .invalidSyntax("The path \(path.prefix(64)) of a bulk operation does not fit its method \(name).")
    }
    guard method != .post || operation.bulkId?.isEmpty == false else {
      throw .invalidSyntax("A bulk operation with POST must have a bulkId.")
    }
    guard method == .delete || operation.data?.object != nil else {
      throw .invalidSyntax("A bulk operation with \(name) must have data.")
    }
    return operation
  }

  package var json: JSONValue {
    var object: JSONObject = ["schemas": [.string(SCIMURI.bulkRequest)]]
    object["failOnErrors"] = failOnErrors.map { .integer(Int64($0)) }
    object["Operations"] = .array(operations.map(\.json))
    return .object(object)
  }
}
