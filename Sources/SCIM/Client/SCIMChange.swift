// SPDX-License-Identifier: Apache-2.0

/// One change to one resource, for `SCIMClient.perform`.
package enum SCIMChange: Sendable, Hashable {
  case create(endpoint: String, SCIMResource)
  case replace(endpoint: String, id: String, SCIMResource, ifMatch: EntityTag? = nil)
  case patch(endpoint: String, id: String, PatchRequest, ifMatch: EntityTag? = nil)
  case delete(endpoint: String, id: String, ifMatch: EntityTag? = nil)

  var isRepeatable: Bool {
    switch self {
    case .create: false
    case .replace(_, _, _, let tag), .patch(_, _, _, let tag), .delete(_, _, let tag): tag == nil
    }
  }

  func operation(bulkId: String) -> BulkOperation {
    switch self {
    case .create(let endpoint, let resource):
      BulkOperation(.post, path: endpoint, bulkId: bulkId, data: resource.json)
    case .replace(let endpoint, let id, let resource, let tag):
      BulkOperation(
        .put, path: SCIMClient.path(endpoint, id), bulkId: bulkId, version: tag?.description, data: resource.json)
    case .patch(let endpoint, let id, let request, let tag):
      BulkOperation(
        .patch, path: SCIMClient.path(endpoint, id), bulkId: bulkId, version: tag?.description, data: request.json)
    case .delete(let endpoint, let id, let tag):
      BulkOperation(.delete, path: SCIMClient.path(endpoint, id), bulkId: bulkId, version: tag?.description)
    }
  }
}

/// What the service confirmed.
package struct SCIMChangeResult: Sendable, Hashable {
  /// Known after a creation too, also when the answer has no resource.
  package var id: String?
  package var version: String?
  /// As the service holds it now; nil when it did not say.
  package var resource: SCIMResource?

  package init(id: String?, version: String? = nil, resource: SCIMResource? = nil) {
    self.id = id
    self.version = version
    self.resource = resource
  }
}
