// SPDX-License-Identifier: Apache-2.0

package import SCIM
import Store

extension TenantDirectory {
  /// Runs the operations of a bulk request (RFC 7644 3.7) in one transaction, each behind a savepoint of its own: one that
  /// fails leaves nothing, the others stay, and all become durable together.
  package func bulk(_ request: BulkRequest, base: String, by actor: Actor) async throws -> BulkResponse {
    try await write(by: actor) { writer in
      let transaction = writer.transaction
      var references = BulkReferences()
      var results: [Int: BulkResult] = [:]
      var failures = 0
      for index in BulkReferences.executionOrder(request.operations) {
        let operation = request.operations[index]
        try transaction.run("SAVEPOINT bulk_operation")
        do {
          let result = try run(references.resolve(operation), writer, base)
          if let bulkId = operation.bulkId, operation.method == .post, let id = result.resourceID {
            references.record(bulkId, id: id)
          }
          results[index] = result
        } catch let error as SCIMError {
          try transaction.run("ROLLBACK TO SAVEPOINT bulk_operation")
          failures += 1
          let location = operation.method == .post ? nil : base + operation.path
          results[index] = BulkResult(operation, failed: error, location: location)
        }
        try transaction.run("RELEASE SAVEPOINT bulk_operation")
        if let limit = request.failOnErrors, failures >= limit { break }
      }
      return BulkResponse(request.operations.indices.compactMap { results[$0] })
    }
  }

  private func run(_ operation: BulkOperation, _ writer: ResourceWriter, _ base: String) throws -> BulkResult {
    guard let target = operation.target, let kind = ResourceKind(endpoint: target.endpoint.dropFirst()) else {
      throw SCIMError.notFound("There is no endpoint \(operation.path.prefix(64)) for bulk operations.")
    }
    let data = operation.data ?? .null
    if operation.method == .post {
      let stored = try writer.create(kind, data)
      return BulkResult(
        .post, bulkId: operation.bulkId, location: kind.uri(stored.id, base: base),
        version: stored.entityTag.description, status: 201)
    }
    let preconditions = try Preconditions(ifMatch: operation.version, ifNoneMatch: nil)
    let stored = try writer.require(kind, target.id ?? "", preconditions)
    let location = kind.uri(stored.id, base: base)
    let new: StoredResource
    switch operation.method {
    case .delete:
      try writer.delete(stored)
      return BulkResult(.delete, bulkId: operation.bulkId, location: location, status: 204)
    case .patch: new = try writer.patch(stored, PatchRequest(data))
    default: new = try writer.replace(stored, data)
    }
    return BulkResult(
      operation.method, bulkId: operation.bulkId, location: location, version: new.entityTag.description, status: 200)
  }
}
