// SPDX-License-Identifier: Apache-2.0

package import IdentityModel
import Logging
package import SyncAPI
import Wire

/// The interface of Entra Connect itself as a target. Microsoft does not document it (docs/operations/sync-api.md).
///
/// The service matches by name and address itself, and knows every object by its source anchor, so that a create that is
/// repeated is none. It cannot be searched: where an object has to be looked up, everything is read.
package final class SyncAPITarget: ExportTarget {
  package let name: String
  private let client: SyncAPIClient
  private let snapshot: Snapshot

  /// Objects in one request; a request must be answered within its deadline.
  static let operationsPerRequest = 100
  /// Batches under way. The service throttles at 7,000 writes in five minutes.
  static let concurrency = 2

  package init(name: String, client: SyncAPIClient) {
    self.name = name
    self.client = client
    snapshot = Snapshot(client: client)
  }

  package var vocabulary: [ObjectKind: Set<String>] { SyncAPIMapping.vocabulary }

  package func prepare() async throws -> TargetCapabilities {
    await snapshot.drop()
    let company = try await client.perform(GetCompanyConfiguration())
    guard company.isSynchronising else {
      throw ConnectError(
        .targetRefused, "\(name) is not open for directory synchronisation.",
        remedy: "Enable directory synchronisation for the tenant, and wait until it says so.")
    }
    return TargetCapabilities(operationsPerRequest: Self.operationsPerRequest, concurrency: Self.concurrency)
  }

  package func perform(_ operations: [ExportOperation]) async throws -> [ExportOutcome] {
    let objects = try operations.map(SyncAPIMapping.object)
    let results: [SyncObjectResult]
    do throws(SyncAPIError) {
      results = try await client.perform(Provision<ProvisionVersion2>(objects))
    } catch {
      await snapshot.drop()
      guard error.code != .malformed else {
        return operations.map { _ in .unanswered(error.message) }
      }
      return operations.map { _ in .unavailable(error.description) }
    }
    guard results.count == objects.count else {
      await snapshot.drop()
      return operations.map { _ in
        .unanswered("The service told \(results.count) results for \(objects.count) objects.")
      }
    }
    // Results that name their object count for it, wherever they stand.
    let named = Dictionary(results.compactMap { result in result.sourceAnchor.map { ($0, result) } }) { $1 }
    return operations.indices.map { index in
      let result = objects[index].sourceAnchor.flatMap { named[$0] } ?? results[index]
      return SyncAPIMapping.outcome(operations[index], result)
    }
  }

  /// By name and address the service looks itself, when the object is made.
  package func find(_ kind: ObjectKind, _ key: TargetKey) async throws -> [TargetRecord] {
    guard case .sourceAnchor(let anchor) = key else { return [] }
    return try await snapshot.records(kind, anchor)
  }

  package func records(_ kind: ObjectKind) -> AsyncThrowingStream<[TargetRecord], any Error> {
    let pages = SerialIterator(client.objects().makeAsyncIterator())
    return AsyncThrowingStream {
      try await pages.next()?.filter { SyncForm.kind(of: $0.type) == kind }.compactMap(SyncAPIMapping.record)
    }
  }

  package func conclude(_ summary: ExportSummary) async throws {
    _ = try await client.perform(
      FinalizeExport(total: Int64(summary.operations), successful: Int64(summary.successful)))
  }

  /// What the service holds, read once for all look-ups of a pass; without references, to be smaller.
  private actor Snapshot {
    private let client: SyncAPIClient
    private var known: [ObjectKind: [String: TargetRecord]]?

    init(client: SyncAPIClient) { self.client = client }

    func drop() { known = nil }

    func records(_ kind: ObjectKind, _ anchor: String) async throws -> [TargetRecord] {
      if known == nil {
        var read: [ObjectKind: [String: TargetRecord]] = [:]
        for try await page in client.objects() {
          for object in page {
            guard var record = SyncAPIMapping.record(object), let anchor = record.sourceAnchor else { continue }
            record.links = [:]
            read[SyncForm.kind(of: object.type), default: [:]][anchor] = record
          }
        }
        known = read
      }
      return known?[kind]?[anchor].map { [$0] } ?? []
    }
  }
}
