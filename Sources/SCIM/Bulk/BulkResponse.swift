// SPDX-License-Identifier: Apache-2.0

/// What became of one operation of a bulk request (RFC 7644 3.7.3).
package struct BulkResult: Sendable, Hashable {
  package var method: BulkOperation.Method
  package var bulkId: String?
  /// The resource's URI; absent when a POST failed.
  package var location: String?
  package var version: String?
  /// The HTTP status.
  package var status: Int
  /// The error message when the operation failed; a service may also answer with the resource.
  package var response: JSONValue?

  package init(
    _ method: BulkOperation.Method, bulkId: String? = nil, location: String? = nil, version: String? = nil,
    status: Int, response: JSONValue? = nil
  ) {
    self.method = method
    self.bulkId = bulkId
    self.location = location
    self.version = version
    self.status = status
    self.response = response
  }

  package init(_ operation: BulkOperation, failed error: SCIMError, location: String? = nil) {
    self.init(
      operation.method, bulkId: operation.bulkId, location: location, status: error.status,
      response: SCIMErrorBody(error).json)
  }

  package var isSuccess: Bool { (200..<300).contains(status) }

  /// The last part of the location: the resource's id.
  package var resourceID: String? { location?.split(separator: "/").last.map(String.init) }

  var json: JSONValue {
    var object: JSONObject = ["method": .string(method.rawValue)]
    object["bulkId"] = bulkId.map(JSONValue.string)
    object["version"] = version.map(JSONValue.string)
    object["location"] = location.map(JSONValue.string)
    object["status"] = .string(String(status))
    object["response"] = response
    return .object(object)
  }

  init(_ entry: JSONValue) throws(SCIMError) {
    guard let object = entry.object, let name = object.value(named: "method")?.string,
      let method = BulkOperation.Method(rawValue: name.uppercased())
    else { throw .invalidSyntax("A result of a bulk request must have a method.") }
    // A string by RFC 7644 3.7.3; some services send a number or, as in the older drafts, an object.
    let code: Int? =
      switch object.value(named: "status") {
      case .string(let text): Int(text)
      case .integer(let number): Int(clamping: number)
      case .object(let inner):
        inner.value(named: "code").flatMap { $0.string.flatMap(Int.init) ?? $0.integer.map { Int(clamping: $0) } }
      default: nil
      }
    guard let code, (100..<600).contains(code) else {
      throw .invalidSyntax("A result of a bulk request must have a status.")
    }
    self.init(
      method, bulkId: object.value(named: "bulkId")?.string, location: object.value(named: "location")?.string,
      version: object.value(named: "version")?.string, status: code, response: object.value(named: "response"))
  }
}

/// The answer to a bulk request: results in the order of the operations, fewer when the service stopped early.
package struct BulkResponse: Sendable, Hashable {
  package var results: [BulkResult]

  package init(_ results: [BulkResult]) { self.results = results }

  package init(_ message: JSONValue) throws(SCIMError) {
    guard let object = message.object else { throw .invalidSyntax("A bulk response must be an object.") }
    try SCIMURI.require(SCIMURI.bulkResponse, in: object)
    guard let list = object.value(named: "Operations")?.array else {
      throw .invalidSyntax("A bulk response must have the array \"Operations\".")
    }
    results = try list.map { entry throws(SCIMError) in try BulkResult(entry) }
  }

  package var json: JSONValue {
    ["schemas": [.string(SCIMURI.bulkResponse)], "Operations": .array(results.map(\.json))]
  }
}
