// SPDX-License-Identifier: Apache-2.0

extension SCIMClient {
  /// Carries out changes to different resources, in bulk requests where the service offers them, otherwise each on its
  /// own, `configuration.concurrency` at a time.
  ///
  /// - Parameter bulk: what `serviceProviderConfig()` said; nil sends each change on its own.
  /// - Returns: a result for each change, in their order. When an error concerns the whole service, changes that were
  ///   not yet sent fail with the same error.
  package func perform(
    _ changes: [SCIMChange], bulk: ServiceProviderConfig.Bulk? = nil
  ) async -> [Result<SCIMChangeResult, SCIMClientError>] {
    guard let bulk, changes.count > 1 else { return await performEach(changes) }
    let batches = BulkBatch.split(changes, limits: bulk, maximumOperations: configuration.maximumBulkOperations)
    var results = [Result<SCIMChangeResult, SCIMClientError>?](repeating: nil, count: changes.count)
    let outcomes = await bounded(batches) { batch in
      await perform(batch)
    } stopping: {
      $0.compactMap(\.serviceError).first
    } otherwise: { batch, error in
      batch.changes.map { _ in .failure(error) }
    }
    for (batch, outcome) in zip(batches, outcomes) {
      for (index, result) in zip(batch.indices, outcome) { results[index] = result }
    }
    return results.map { $0 ?? .failure(SCIMClientError(.outcomeUnknown, "The service told no result.")) }
  }

  private func performEach(_ changes: [SCIMChange]) async -> [Result<SCIMChangeResult, SCIMClientError>] {
    await bounded(changes) { change in
      do throws(SCIMClientError) { return .success(try await perform(change)) } catch { return .failure(error) }
    } stopping: {
      $0.serviceError
    } otherwise: {
      .failure($1)
    }
  }

  private func perform(_ change: SCIMChange) async throws(SCIMClientError) -> SCIMChangeResult {
    switch change {
    case .create(let endpoint, let resource):
      let made = try await create(endpoint, resource)
      return SCIMChangeResult(id: made.id, version: made.meta?.version, resource: made)
    case .replace(let endpoint, let id, let resource, let tag):
      let new = try await replace(endpoint, id: id, resource, ifMatch: tag)
      return SCIMChangeResult(id: id, version: new?.meta?.version, resource: new)
    case .patch(let endpoint, let id, let request, let tag):
      // A group's members would come back with every change of one.
      let excluded = SCIMText.namesMatch(endpoint, ResourceTypeDefinition.group.endpoint) ? ["members"] : []
      let new = try await patch(endpoint, id: id, request, ifMatch: tag, excludedAttributes: excluded)
      return SCIMChangeResult(id: id, version: new?.meta?.version, resource: new)
    case .delete(let endpoint, let id, let tag):
      try await delete(endpoint, id: id, ifMatch: tag)
      return SCIMChangeResult(id: id)
    }
  }

  /// Sends one bulk request; in halves when it is too large after all, one by one when the service does no bulk or
  /// stumbles over one of them, so that the others do not suffer for it.
  private func perform(_ batch: BulkBatch) async -> [Result<SCIMChangeResult, SCIMClientError>] {
    do throws(SCIMClientError) {
      let response = try await bulk(
        BulkRequest(batch.operations), isRepeatable: batch.changes.allSatisfy(\.isRepeatable))
      return await repeatThrottled(batch, batch.results(response))
    } catch {
      if error.code == .tooLarge, error.status == 413, batch.changes.count > 1 {
        let half = batch.changes.count / 2
        let first = await perform(batch.part(..<half))
        return first + (await perform(batch.part(half...)))
      }
      if error.code == .notSupported || error.code == .notFound || error.code == .tooLarge && error.status == 413 {
        return await performEach(batch.changes)
      }
      let isStumble = error.code == .serviceFailed || error.code == .malformedAnswer
      if isStumble, batch.changes.count > 1, batch.changes.allSatisfy(\.isRepeatable) {
        return await performEach(batch.changes)
      }
      return batch.changes.map { _ in .failure(error) }
    }
  }

  /// Operations that the service turned away within a bulk request are sent on their own, where waits are heeded.
  private func repeatThrottled(
    _ batch: BulkBatch, _ results: [Result<SCIMChangeResult, SCIMClientError>]
  ) async -> [Result<SCIMChangeResult, SCIMClientError>] {
    let throttled = results.indices.filter { index in
      guard case .failure(let error) = results[index] else { return false }
      return error.status == 429 || error.status == 503
    }
    guard !throttled.isEmpty else { return results }
    var results = results
    for (index, result) in zip(throttled, await performEach(throttled.map { batch.changes[$0] })) {
      results[index] = result
    }
    return results
  }

  /// Maps items, a bounded number at a time; after a result that makes going on useless, the rest is not begun.
  private func bounded<Item: Sendable, Output: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (Item) async -> Output,
    stopping: (Output) -> SCIMClientError?, otherwise: (Item, SCIMClientError) -> Output
  ) async -> [Output] {
    var outputs = [Output?](repeating: nil, count: items.count)
    var stop: SCIMClientError?
    await withTaskGroup(of: (Int, Output).self) { group in
      var next = 0
      func start() {
        guard next < items.count, stop == nil else { return }
        let (index, item) = (next, items[next])
        group.addTask { (index, await body(item)) }
        next += 1
      }
      for _ in 0..<max(1, configuration.concurrency) { start() }
      for await (index, output) in group {
        outputs[index] = output
        stop = stop ?? stopping(output)
        start()
      }
    }
    let unsent = stop ?? SCIMClientError(.cancelled, "The request was not sent.")
    return zip(items, outputs).map { $1 ?? otherwise($0, unsent) }
  }
}

extension Result where Success == SCIMChangeResult, Failure == SCIMClientError {
  fileprivate var serviceError: SCIMClientError? {
    guard case .failure(let error) = self, error.concernsService else { return nil }
    return error
  }
}
