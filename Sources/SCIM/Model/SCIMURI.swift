// SPDX-License-Identifier: Apache-2.0

/// The URIs of schemas and messages (RFC 7643 10.3, RFC 7644 8.2) and the media type.
package enum SCIMURI {
  package static let user = "urn:ietf:params:scim:schemas:core:2.0:User"
  package static let group = "urn:ietf:params:scim:schemas:core:2.0:Group"
  package static let enterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
  /// Of resource types that are not RFC 7643's: what it registers begins with `urn:ietf` (section 10.3.1), and these do not.
  package static let onPremisesUser = "urn:bridgehead:params:scim:schemas:extension:1.0:OnPremisesUser"
  package static let onPremisesGroup = "urn:bridgehead:params:scim:schemas:extension:1.0:OnPremisesGroup"
  package static let contact = "urn:bridgehead:params:scim:schemas:1.0:Contact"
  package static let device = "urn:bridgehead:params:scim:schemas:1.0:Device"
  package static let serviceProviderConfig = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
  package static let resourceType = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
  package static let schema = "urn:ietf:params:scim:schemas:core:2.0:Schema"
  package static let listResponse = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
  package static let searchRequest = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
  package static let patchOp = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
  package static let bulkRequest = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
  package static let bulkResponse = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
  package static let error = "urn:ietf:params:scim:api:messages:2.0:Error"

  package static let mediaType = "application/scim+json"

  /// Refuses a message whose `schemas` does not name `uri` (RFC 7644 3.1).
  static func require(_ uri: String, in message: JSONObject) throws(SCIMError) {
    let schemas = message.value(named: "schemas")?.array ?? []
    guard schemas.contains(where: { $0.string.map { SCIMText.namesMatch($0, uri) } ?? false }) else {
      throw .invalidSyntax("The message's schemas must contain \(uri).")
    }
  }
}
