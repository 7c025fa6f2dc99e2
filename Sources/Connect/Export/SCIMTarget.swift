// SPDX-License-Identifier: Apache-2.0

package import IdentityModel
package import SCIM
import Synchronization
import Wire

/// A SCIM 2.0 service as a target (RFC 7644). Throttling, retries and bulk requests are the client's business.
package final class SCIMTarget: ExportTarget {
  package let name: String
  private let client: SCIMClient
  private let bulk = Mutex<ServiceProviderConfig.Bulk?>(nil)

  /// Bulk requests under way: each occupies the service for many operations.
  static let bulkConcurrency = 4

  package init(name: String, client: SCIMClient) {
    self.name = name
    self.client = client
  }

  package static let vocabulary: [ObjectKind: Set<String>] = SCIMMapping.vocabulary
  package var vocabulary: [ObjectKind: Set<String>] { Self.vocabulary }

  package func prepare() async throws -> TargetCapabilities {
    let offered = try await client.serviceProviderConfig().bulk
    bulk.withLock { $0 = offered }
    guard let offered, offered.maximumOperations > 1 else {
      return TargetCapabilities(operationsPerRequest: 1, concurrency: client.configuration.concurrency)
    }
    return TargetCapabilities(
      operationsPerRequest: min(offered.maximumOperations, client.configuration.maximumBulkOperations),
      concurrency: min(Self.bulkConcurrency, client.configuration.concurrency))
  }

  package func perform(_ operations: [ExportOperation]) async throws -> [ExportOutcome] {
    var changes: [SCIMChange] = []
    for operation in operations { changes.append(try SCIMMapping.change(operation)) }
    let results = await client.perform(changes, bulk: operations.count > 1 ? bulk.withLock { $0 } : nil)
    return zip(operations, results).map { Self.outcome($0, $1) }
  }

  package func find(_ kind: ObjectKind, sourceAnchor: String) async throws -> [TargetRecord] {
    var query = ListQuery()
    query.filter = try Filter.parse("externalId eq \(SCIMMapping.quoted(sourceAnchor))")
    query.excludedAttributes = ["members"]
    var found: [TargetRecord] = []
    for try await page in client.pages(SCIMMapping.endpoint(kind), query) {
      // A service that ignores a filter must not make us take over somebody else.
      found += page.compactMap { SCIMMapping.record($0, kind) }.filter { $0.sourceAnchor == sourceAnchor }
    }
    return found
  }

  package func records(_ kind: ObjectKind) -> AsyncThrowingStream<[TargetRecord], any Error> {
    let pages = SerialIterator(client.pages(SCIMMapping.endpoint(kind), ListQuery()).makeAsyncIterator())
    return AsyncThrowingStream {
      try await pages.next()?.compactMap { SCIMMapping.record($0, kind) }
    }
  }

  private static func outcome(
    _ operation: ExportOperation, _ result: Result<SCIMChangeResult, SCIMClientError>
  ) -> ExportOutcome {
    switch (result, operation) {
    case (.success(let result), .create(let kind, let anchor, let attributes)):
      guard let id = result.id else { return .unanswered("The service made a resource without telling its id.") }
      return .done(
        result.resource.flatMap { SCIMMapping.record($0, kind) }
          ?? TargetRecord(id: id, version: result.version, sourceAnchor: anchor, attributes: attributes))
    case (.success(let result), .update(let kind, _, _, _)):
      return .done(result.resource.flatMap { SCIMMapping.record($0, kind) })
    case (.success, .link), (.success, .delete): return .done(nil)
    case (.failure(let error), _): return outcome(operation, error)
    }
  }

  private static func outcome(_ operation: ExportOperation, _ error: SCIMClientError) -> ExportOutcome {
    if error.concernsService || error.code == .forbidden { return .unavailable(error.description) }
    switch error.code {
    case .notFound: return .notFound
    case .conflict: return .conflict(error.message)
    case .outcomeUnknown: return .unanswered(error.message)
    case .serviceFailed, .malformedAnswer:
      if case .create = operation { return .unanswered(error.message) }
      return .refused(error.message)
    default: return .refused(error.message)
    }
  }
}
