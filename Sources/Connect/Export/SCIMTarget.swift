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

  package var vocabulary: [ObjectKind: Set<String>] { SCIMMapping.vocabulary }
  package var optionalVocabulary: [ObjectKind: Set<String>] { SCIMMapping.optionalVocabulary }

  /// Every service has users and groups; others, and extensions of ours, it has to name.
  package func offeredVocabulary() async throws -> OfferedVocabulary {
    let types = try await client.resourceTypes() ?? []
    var offered = OfferedVocabulary(kinds: TargetOffer.unasked)
    for kind in vocabulary.keys {
      guard let form = SCIMForm.of(kind), let type = types.first(where: { $0.isSame(as: form.type) }) else { continue }
      offered.kinds.insert(kind)
      let optional = form.optional.filter { type.hasExtension($0.value) }.keys
      if !optional.isEmpty { offered.optional[kind] = Set(optional) }
    }
    return offered
  }

  package func prepare() async throws -> TargetCapabilities {
    let offered = try await client.serviceProviderConfig().bulk
    bulk.withLock { $0 = offered }
    var capabilities = TargetCapabilities(operationsPerRequest: 1, concurrency: client.configuration.concurrency)

    if let offered, offered.maximumOperations > 1 {
      capabilities.operationsPerRequest = min(offered.maximumOperations, client.configuration.maximumBulkOperations)
      capabilities.concurrency = min(Self.bulkConcurrency, client.configuration.concurrency)
    }
    return capabilities
  }

  package func perform(_ operations: [ExportOperation]) async throws -> [ExportOutcome] {
    var outcomes = [ExportOutcome?](repeating: nil, count: operations.count)
    var groups: [Int: [String]] = [:]
    // What is deleted is restored before it is changed.
    for (index, operation) in operations.enumerated() {
      guard case .adopt(let kind, let id, _, isDeleted: true, _, _) = operation, let form = SCIMForm.of(kind) else {
        continue
      }
      do throws(SCIMClientError) {
        try await client.restore(form.endpoint, id: id)
      } catch {
        outcomes[index] = Self.restoreOutcome(operation, error)
        continue
      }
      do {
        groups[index] = try await self.groups(of: id)
      } catch let error as SCIMClientError {
        outcomes[index] = .unanswered(error.message)
      }
    }
    let left = operations.indices.filter { outcomes[$0] == nil }
    let changes = try left.map { try SCIMMapping.change(operations[$0]) }
    let results = await client.perform(changes, bulk: changes.count > 1 ? bulk.withLock { $0 } : nil)
    for (index, result) in zip(left, results) {
      let outcome = Self.outcome(operations[index], result)
      if case .done(let record) = outcome, let groups = groups[index] {
        outcomes[index] = await restored(operations[index], record, groups: groups)
      } else {
        outcomes[index] = outcome
      }
    }
    return outcomes.map { $0 ?? .unanswered("The service told no result.") }
  }

  /// What was brought back has the values that it was deleted with, and many changes in one request are answered without
  /// them: the service is asked.
  private func restored(
    _ operation: ExportOperation, _ record: TargetRecord?, groups: [String]
  ) async -> ExportOutcome {
    guard record == nil, case .adopt(let kind, let id, _, _, _, _) = operation, let form = SCIMForm.of(kind) else {
      return .restored(record, groups: groups)
    }
    do throws(SCIMClientError) {
      let resource = try await client.get(form.endpoint, id: id, excludedAttributes: ["members"])
      return .restored(resource.flatMap { SCIMMapping.record($0, kind) }, groups: groups)
    } catch {
      return .unanswered(error.message)
    }
  }

  /// The identifiers of the groups that have a member.
  private func groups(of id: String) async throws -> [String] {
    var query = ListQuery()
    query.filter = try Filter.parse(SCIMMapping.memberFilter(id))
    query.attributes = ["id"]
    var groups: [String] = []
    for try await page in client.pages(SCIMForm.group.endpoint, query) { groups += page.compactMap(\.id) }
    return groups
  }

  package func find(_ kind: ObjectKind, _ key: TargetKey) async throws -> [TargetRecord] {
    switch key {
    case .sourceAnchor: break
    case .userName: guard kind == .user else { return [] }
    case .address: guard kind == .user || kind == .contact else { return [] }
    }
    guard let form = SCIMForm.of(kind) else { return [] }
    var query = ListQuery()
    query.filter = try Filter.parse(SCIMMapping.filter(key))
    query.excludedAttributes = ["members"]
    var found: [TargetRecord] = []
    for try await page in client.pages(form.endpoint, query) {
      // A service that ignores a filter must not make us take over somebody else.
      found += page.compactMap { SCIMMapping.record($0, kind) }.filter { $0.has(key) }
    }
    return found
  }

  package func deletedRecords(_ kind: ObjectKind) async throws -> [TargetRecord] {
    guard let form = SCIMForm.of(kind) else { return [] }
    return (try await client.deleted(form.endpoint) ?? []).map {
      TargetRecord(
        id: $0.id, sourceAnchor: $0.externalId, attributes: Attributes(), isPrivileged: $0.isPrivileged, isDeleted: true
      )
    }
  }

  /// One kind after the other, in the order given.
  package func reading(of kinds: [ObjectKind]) -> AsyncThrowingStream<[ReadRecord], any Error> {
    let readings = kinds.compactMap { kind in
      SCIMForm.of(kind).map { (kind, SerialIterator(client.pages($0.endpoint, ListQuery()).makeAsyncIterator())) }
    }
    let left = SerialIterator(Pages(left: readings[...]))
    return AsyncThrowingStream { try await left.next() }
  }

  private struct Pages<Part: AsyncIteratorProtocol>: AsyncIteratorProtocol where Part.Element == [SCIMResource] {
    var left: ArraySlice<(ObjectKind, SerialIterator<Part>)>

    mutating func next() async throws -> [ReadRecord]? {
      while let (kind, pages) = left.first {
        if let page = try await pages.next() {
          return page.compactMap { resource in SCIMMapping.record(resource, kind).map { ReadRecord(kind, $0) } }
        }
        left.removeFirst()
      }
      return nil
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
    case (.success(let result), .update(let kind, _, _, _)), (.success(let result), .adopt(let kind, _, _, _, _, _)):
      return .done(result.resource.flatMap { SCIMMapping.record($0, kind) })
    case (.success, .link), (.success, .delete): return .done(nil)
    case (.failure(let error), _): return outcome(operation, error)
    }
  }

  /// A service that knows nothing of restoring answers as it pleases: the object is then made again.
  private static func restoreOutcome(_ operation: ExportOperation, _ error: SCIMClientError) -> ExportOutcome {
    if error.code == .forbidden { return .notFound }
    return switch outcome(operation, error) {
    case .refused: .notFound
    case .conflict(let reason) where error.scimType == SCIMClient.privilegedType: .held(.privilegedMatch, reason)
    case let outcome: outcome
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

extension TargetRecord {
  fileprivate func has(_ key: TargetKey) -> Bool {
    switch key {
    case .sourceAnchor(let anchor): sourceAnchor == anchor
    case .userName(let name): attributes.text("userPrincipalName")?.lowercased() == name.lowercased()
    case .address(let address): Matching.Names(attributes).address == address.lowercased()
    }
  }
}
