// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Wire

/// What became of reading one source.
struct SourceReading: Sendable {
  var source: String
  var result: Result<[CycleReport.Import], any Error>
  /// Whether an error is the source's own, and not the engine's.
  var isOfSource = true
}

/// The readings of a service's sources, which passes begin: one at a time for each source.
///
/// A source that stays silent holds up no other one: its reading goes on beside the passes, and what it brought is taken by
/// the next pass after its end. One that could not be read is left alone for a while.
final class SourceReadings: Sendable {
  /// Why a source could not be read.
  struct Failure: Sendable {
    var error: any Error
    var attempts: Int
    /// Seconds since 1970.
    var next: Double
  }

  private struct State {
    var running: Set<String> = []
    /// Those of them of which something came.
    var answering: Set<String> = []
    var failures: [String: Failure] = [:]
    /// In the order in which they ended; no pass has told of them yet.
    var ended: [SourceReading] = []
    var watchers: [Int: AsyncStream<Void>.Continuation] = [:]
    var nextWatcher = 0
  }

  /// Before a source that could not be read is tried again by itself.
  static let backoff = Backoff(first: .seconds(5), longest: .seconds(300))

  private let state = Mutex(State())

  /// Takes up those sources that are to be read now.
  ///
  /// - Parameter isInsisting: also those that are left alone after a failure.
  func begin(_ sources: [any ImportSource], at time: Double, isInsisting: Bool) -> [any ImportSource] {
    change { state in
      let idle = sources.filter { !state.running.contains($0.name) }
      let due = idle.filter { isInsisting || (state.failures[$0.name]?.next ?? 0) <= time }
      // Where all are left alone there is nobody to protect from waiting: the wait between passes is long enough.
      let begun = due.isEmpty && state.running.isEmpty ? idle : due
      state.running.formUnion(begun.map(\.name))
      return begun
    }
  }

  /// Something came of a source.
  func answered(_ source: String) { change { _ = $0.answering.insert(source) } }

  func end(_ reading: SourceReading, at time: Double) {
    change { state in
      state.running.remove(reading.source)
      state.answering.remove(reading.source)
      state.ended.append(reading)
      switch reading.result {
      case .success: state.failures[reading.source] = nil
      case .failure(let error):
        guard reading.isOfSource else { return }
        let attempts = (state.failures[reading.source]?.attempts ?? 0) + 1
        let wait = Self.backoff.wait(afterFailures: attempts) / .seconds(1)
        state.failures[reading.source] = Failure(error: error, attempts: attempts, next: time + wait)
      }
    }
  }

  /// A reading was cancelled, with what it was begun for: that is nothing to tell of the source, now or later.
  func abandon(_ source: String) {
    change { state in
      state.running.remove(source)
      state.answering.remove(source)
    }
  }

  /// Whether a reading ended of which no pass has told.
  var hasNews: Bool { state.withLock { !$0.ended.isEmpty } }

  /// What ended since the last pass; of the other sources, why they could not be read, nil while they are silent.
  func take() -> (ended: [SourceReading], behind: [(source: String, error: (any Error)?)]) {
    change { state in
      let ended = state.ended
      state.ended = []
      let told = Set(ended.map(\.source))
      var behind: [(source: String, error: (any Error)?)] = []
      for (source, failure) in state.failures where !told.contains(source) { behind.append((source, failure.error)) }
      for source in state.running where state.failures[source] == nil { behind.append((source, nil)) }
      return (ended, behind.sorted { $0.source < $1.source })
    }
  }

  /// Waits for readings: for every one that answers, and for silent ones until the patience is over and somebody has ended.
  ///
  /// - Parameter patience: how long a silent source is waited for while others have been read.
  func settle(_ sources: Set<String>, patience: Duration) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.wait { sources.isDisjoint(with: $0.running) } }
      group.addTask {
        guard (try? await Task.sleep(for: patience)) != nil else { return }
        await self.wait { state in
          let open = sources.intersection(state.running)
          return open.count < sources.count && open.isDisjoint(with: state.answering)
        }
      }
      await group.next()
      group.cancelAll()
    }
  }

  private func wait(until isOver: @Sendable (State) -> Bool) async {
    let (changes, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let watcher = change { state in
      state.nextWatcher += 1
      state.watchers[state.nextWatcher] = continuation
      return state.nextWatcher
    }
    for await _ in changes where state.withLock({ isOver($0) }) { break }
    state.withLock { _ = $0.watchers.removeValue(forKey: watcher) }
  }

  private func change<R: Sendable>(_ body: (inout State) -> R) -> R {
    let (result, watchers) = state.withLock { state in (body(&state), Array(state.watchers.values)) }
    for watcher in watchers { watcher.yield() }
    return result
  }
}
