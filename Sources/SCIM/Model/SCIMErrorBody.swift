// SPDX-License-Identifier: Apache-2.0

/// The error message (RFC 7644 3.12).
package struct SCIMErrorBody: Sendable, Hashable {
  package var status: Int
  /// As it was sent: services use values outside the table.
  package var scimType: String?
  package var detail: String?

  package init(_ error: SCIMError) {
    status = error.status
    scimType = error.scimType?.rawValue
    detail = error.detail
  }

  /// Reads what a service sent, tolerantly: the status may be a number, and `schemas` is not insisted on.
  package init?(_ value: JSONValue) {
    guard let object = value.object else { return nil }
    switch object.value(named: "status") {
    case .string(let text): status = Int(text) ?? 0
    case .integer(let number): status = Int(clamping: number)
    default: status = 0
    }
    scimType = object.value(named: "scimType")?.string
    detail = object.value(named: "detail")?.string
    if status == 0, scimType == nil, detail == nil { return nil }
  }

  package var json: JSONValue {
    var object: JSONObject = ["schemas": [.string(SCIMURI.error)], "status": .string(String(status))]
    if let scimType { object["scimType"] = .string(scimType) }
    if let detail { object["detail"] = .string(detail) }
    return .object(object)
  }
}
