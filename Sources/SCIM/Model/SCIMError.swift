// SPDX-License-Identifier: Apache-2.0

import Wire

/// The `scimType` values of RFC 7644 3.12, table 9.
package enum SCIMErrorType: String, Sendable, Hashable, CaseIterable {
  case invalidFilter, tooMany, uniqueness, mutability, invalidSyntax, invalidPath, noTarget, invalidValue
  case invalidVersion = "invalidVers"
  case sensitive
}

/// Why a service provider refuses a request: an HTTP status, the `scimType` that refines it, and a text for people.
package struct SCIMError: DiagnosableError, Hashable {
  package var status: Int
  package var scimType: SCIMErrorType?
  package var detail: String

  package init(status: Int, scimType: SCIMErrorType? = nil, detail: String) {
    self.status = status
    self.scimType = scimType
    self.detail = detail
  }

  package var identifier: String { "scim." + (scimType?.rawValue ?? String(status)) }
  package var message: String { detail }
  package var remedy: String {
    switch (scimType, status) {
    case (.invalidFilter, _): "Correct the filter; RFC 7644 3.4.2.2 has the grammar."
    case (.tooMany, _): "Narrow the filter or ask page by page."
    case (.uniqueness, _): "Choose another value, or update the resource that holds this one."
    case (.mutability, _): "Leave out the attribute: it cannot be changed."
    case (.invalidSyntax, _): "Send a JSON message as RFC 7644 describes it."
    case (.invalidPath, _), (.noTarget, _): "Correct the operation's path; /Schemas lists the attributes."
    case (.invalidValue, _): "Correct the value; /Schemas gives each attribute's type and rules."
    case (.invalidVersion, _): "Use the base URI of SCIM 2.0."
    case (.sensitive, _): "Send the request as POST to /.search."
    case (nil, 401): "Send a valid bearer token."
    case (nil, 403): "Use a token whose scope allows the operation."
    case (nil, 404): "Check the identifier and the path."
    case (nil, 412): "Read the resource again and repeat the change with its new version."
    case (nil, 413): "Send smaller or fewer operations; /ServiceProviderConfig tells the limits."
    case (nil, 429): "Repeat the request after the time that Retry-After gives."
    default: "See the service provider's log."
    }
  }
}

extension SCIMError {
  package static func invalidFilter(_ detail: String) -> Self {
    Self(status: 400, scimType: .invalidFilter, detail: detail)
  }
  package static func tooMany(_ detail: String) -> Self { Self(status: 400, scimType: .tooMany, detail: detail) }
  package static func uniqueness(_ detail: String) -> Self { Self(status: 409, scimType: .uniqueness, detail: detail) }
  package static func mutability(_ detail: String) -> Self { Self(status: 400, scimType: .mutability, detail: detail) }
  package static func invalidSyntax(_ detail: String) -> Self {
    Self(status: 400, scimType: .invalidSyntax, detail: detail)
  }
  package static func invalidPath(_ detail: String) -> Self {
    Self(status: 400, scimType: .invalidPath, detail: detail)
  }
  package static func noTarget(_ detail: String) -> Self { Self(status: 400, scimType: .noTarget, detail: detail) }
  package static func invalidValue(_ detail: String) -> Self {
    Self(status: 400, scimType: .invalidValue, detail: detail)
  }
  package static func unauthorized(_ detail: String) -> Self { Self(status: 401, detail: detail) }
  package static func forbidden(_ detail: String) -> Self { Self(status: 403, detail: detail) }
  package static func notFound(_ detail: String) -> Self { Self(status: 404, detail: detail) }
  package static func methodNotAllowed(_ detail: String) -> Self { Self(status: 405, detail: detail) }
  package static func conflict(_ detail: String) -> Self { Self(status: 409, detail: detail) }
  package static func preconditionFailed(_ detail: String) -> Self { Self(status: 412, detail: detail) }
  package static func payloadTooLarge(_ detail: String) -> Self { Self(status: 413, detail: detail) }
  package static func tooManyRequests(_ detail: String) -> Self { Self(status: 429, detail: detail) }
  package static func notImplemented(_ detail: String) -> Self { Self(status: 501, detail: detail) }
}
