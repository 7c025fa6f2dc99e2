// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What one probe did and saw.
package struct Conversation: Sendable, Codable, Hashable {
  package var phases: [Phase] = []
  package var observations: [Observation] = []
  package var depth = Depth.nothing
  /// This machine's end of the socket that was used, and the interface that holds the address.
  package var localAddress: String?
  package var interface: String?
  /// The port that the conversation ended on, where it is not the one it began with.
  package var port: Int?

  package init() {}
}

/// Where a probe writes its conversation while it goes on. The check's deadline may end a probe at any moment: what stands
/// here then is the evidence, and the phase under way is shown as unfinished.
package final class ConversationLog: Sendable {
  private let clock = ContinuousClock()
  private let origin: ContinuousClock.Instant
  private let state = Mutex(Conversation())

  package init() { origin = clock.now }

  /// A log that goes on from what another one holds so far.
  init(after other: ConversationLog) {
    origin = other.origin
    let begun = other.snapshot
    state.withLock { $0 = begun }
  }

  /// What was said so far.
  package var snapshot: Conversation { state.withLock { $0 } }

  /// Runs one phase and takes its time.
  ///
  /// - Parameters:
  ///   - sent: in words, without secrets.
  ///   - body: returns its value with what was received, in words. When it throws, the error's description is what was
  ///     received; the probe then adds the observation.
  package func phase<Value: Sendable>(
    _ name: Phase.Name, sent: String?, _ body: () async throws -> (Value, received: String)
  ) async throws -> Value {
    let index = begin(name, sent: sent)
    do {
      let (value, received) = try await body()
      end(index, received: received)
      return value
    } catch {
      end(index, received: "\(error)")
      throw error
    }
  }

  /// Begins a phase; for probes to which ``phase(_:sent:_:)`` does not fit.
  package func begin(_ name: Phase.Name, sent: String?) -> Int {
    let start = elapsed
    return state.withLock { state in
      state.phases.append(Phase(name, start: start, sent: sent))
      return state.phases.count - 1
    }
  }

  package func end(_ index: Int, received: String) {
    let now = elapsed
    state.withLock { state in
      guard state.phases.indices.contains(index) else { return }
      state.phases[index].seconds = now - state.phases[index].start
      state.phases[index].received = received
    }
  }

  package func observe(_ observation: Observation) {
    state.withLock { state in
      if !state.observations.contains(observation) { state.observations.append(observation) }
    }
  }

  /// Never goes back.
  package func reached(_ depth: Depth) { state.withLock { $0.depth = max($0.depth, depth) } }

  /// What answered stands in for the service: of all that was reached, only the path counts.
  package func provedPathOnly() { state.withLock { $0.depth = .path } }

  package func used(localAddress: String, interface: String?) {
    state.withLock { state in
      state.localAddress = localAddress
      state.interface = interface
    }
  }

  package func movedTo(port: Int) { state.withLock { $0.port = port } }

  private var elapsed: Double { (clock.now - origin) / .seconds(1) }
}
