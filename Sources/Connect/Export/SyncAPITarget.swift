// SPDX-License-Identifier: Apache-2.0

package import IdentityModel
import Logging
package import SyncAPI
import Wire

/// The interface of Entra Connect itself as a target. Microsoft does not document it (docs/operations/sync-api.md).
///
/// The service matches by name and address itself, and knows every object by its source anchor, so that a create that is
/// repeated is none. It cannot be searched: where objects have to be looked up, everything is read, once for all of them.
package final class SyncAPITarget: ExportTarget {
  package let name: String
  private let client: SyncAPIClient

  /// Objects in one request; a request must be answered within its deadline.
  static let operationsPerRequest = 100
  /// Batches under way. The service throttles at 7,000 writes in five minutes.
  static let concurrency = 2

  package init(name: String, client: SyncAPIClient) {
    self.name = name
    self.client = client
  }

  package var vocabulary: [ObjectKind: Set<String>] { SyncAPIMapping.vocabulary }

  package func prepare() async throws -> TargetCapabilities {
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
      guard error.code != .malformed else {
        return operations.map { _ in .unanswered(error.message) }
      }
      return operations.map { _ in .unavailable(error.description) }
    }
    guard results.count == objects.count else {
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

  /// The service looks itself when an object is made: one that it has by its anchor is changed and is no conflict, and by name
  /// and address it takes over what may be taken over.
  package func find(_ kind: ObjectKind, _ key: TargetKey) async throws -> [TargetRecord] { [] }

  package func objects(_ wanted: Set<AnchoredObject>) async throws -> [AnchoredObject: TargetRecord] {
    var found: [AnchoredObject: TargetRecord] = [:]
    for try await page in client.objects() {
      for read in page.compactMap(Self.read) {
        guard let anchor = read.record.sourceAnchor else { continue }
        let object = AnchoredObject(read.kind, sourceAnchor: anchor)
        guard wanted.contains(object) else { continue }
        var record = read.record
        // References are told again in any case.
        record.links = [:]
        found[object] = record
      }
      if found.count == wanted.count { break }
    }
    return found
  }

  package func reading(of kinds: [ObjectKind]) -> AsyncThrowingStream<[ReadRecord], any Error> {
    let pages = SerialIterator(client.objects().makeAsyncIterator())
    return AsyncThrowingStream {
      try await pages.next()?.compactMap(Self.read).filter { kinds.contains($0.kind) }
    }
  }

  private static func read(_ object: SyncObject) -> ReadRecord? {
    SyncAPIMapping.record(object).map { ReadRecord(SyncForm.kind(of: object.type), $0) }
  }

  package func conclude(_ summary: ExportSummary) async throws {
    _ = try await client.perform(
      FinalizeExport(total: Int64(summary.operations), successful: Int64(summary.successful)))
  }
}
