// SPDX-License-Identifier: Apache-2.0

/// Changes that go out in one bulk request, with their places in the caller's list.
struct BulkBatch: Sendable {
  private(set) var changes: [SCIMChange] = []
  private(set) var indices: [Int] = []

  var operations: [BulkOperation] {
    zip(changes, indices).map { change, index in change.operation(bulkId: Self.bulkId(index)) }
  }

  private static func bulkId(_ index: Int) -> String { "c\(index)" }

  /// The envelope of a bulk request, generously.
  private static let envelopeSize = 256

  static func split(
    _ changes: [SCIMChange], limits: ServiceProviderConfig.Bulk, maximumOperations: Int
  ) -> [BulkBatch] {
    let most = max(1, min(limits.maximumOperations, maximumOperations))
    var batches: [BulkBatch] = []
    var batch = BulkBatch()
    var size = envelopeSize
    for (index, change) in changes.enumerated() {
      let bytes = change.operation(bulkId: bulkId(index)).json.serialized().count + 1
      if !batch.changes.isEmpty, batch.changes.count >= most || size + bytes > limits.maximumPayloadSize {
        batches.append(batch)
        batch = BulkBatch()
        size = envelopeSize
      }
      batch.changes.append(change)
      batch.indices.append(index)
      size += bytes
    }
    if !batch.changes.isEmpty { batches.append(batch) }
    return batches
  }

  func part(_ range: some RangeExpression<Int>) -> BulkBatch {
    var part = BulkBatch()
    part.changes = Array(changes[range])
    part.indices = Array(indices[range])
    return part
  }

  /// A result for each change. Services name the operation by its bulkId, some only for POST, and by its location else.
  func results(_ response: BulkResponse) -> [Result<SCIMChangeResult, SCIMClientError>] {
    let named = Dictionary(
      response.results.compactMap { result in result.bulkId.map { ($0, result) } }, uniquingKeysWith: { $1 })
    let isComplete = response.results.count == changes.count
    return zip(operations, changes.indices).map { operation, place in
      var found = operation.bulkId.flatMap { named[$0] }
      if found == nil, operation.method != .post {
        found = response.results.first {
          $0.bulkId == nil && $0.method == operation.method && ($0.location?.hasSuffix(operation.path) ?? false)
        }
      }
      if found == nil, isComplete, response.results[place].bulkId == nil,
        response.results[place].method == operation.method
      {
        found = response.results[place]
      }
      return Self.result(found, operation)
    }
  }

  private static func result(
    _ result: BulkResult?, _ operation: BulkOperation
  ) -> Result<SCIMChangeResult, SCIMClientError> {
    let request = "\(operation.method.rawValue) \(operation.path)"
    guard let result else {
      return .failure(
        SCIMClientError(.outcomeUnknown, "The service told no result for \(request) of a bulk request."))
    }
    guard result.isSuccess else {
      return .failure(
        SCIMClientError(status: result.status, body: result.response.flatMap(SCIMErrorBody.init), request: request))
    }
    let resource = result.response?.object.map(SCIMResource.init)
    let id = resource?.id ?? result.resourceID ?? operation.target?.id
    guard id != nil else {
      return .failure(SCIMClientError(.outcomeUnknown, "The service told no location for \(request)."))
    }
    return .success(
      SCIMChangeResult(id: id, version: result.version ?? resource?.meta?.version, resource: resource))
  }
}
