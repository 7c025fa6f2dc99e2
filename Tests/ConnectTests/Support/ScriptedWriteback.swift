// SPDX-License-Identifier: Apache-2.0

import PasswordWriteback
import Synchronization
import Wire

@testable import Connect

/// A tenant that hands out what a test gives it, and a controller that behaves as a test says.
final class ScriptedWriteback: WritebackChannel, WritebackDirectory {
  enum Behaviour: Sendable {
    case accepts
    case rejects(WritebackRejection)
    /// The connection breaks; whether the change was made before.
    case breaks(done: Bool)
  }

  struct Lost: Error {}

  struct State: Sendable {
    var messages: [WritebackMessage] = []
    var answers: [(id: String, outcome: WritebackOutcome)] = []
    var account: WritebackAccount
    var behaviour = Behaviour.accepts
    var strokes = 0
    var isReachable = true
    var server = "dc1.corp.example"
  }

  let state: Mutex<State>
  let source = "corp.example"
  let policy = WritebackPolicy(include: ["OU=People,DC=corp,DC=example"], exclude: [])

  init(_ account: WritebackAccount) { state = Mutex(State(account: account)) }

  func next(waiting seconds: Int, holding held: [String]) async throws -> WritebackMessage? {
    state.withLock { $0.messages.isEmpty ? nil : $0.messages.removeFirst() }
  }

  func answer(_ id: String, _ outcome: WritebackOutcome) async throws {
    state.withLock { $0.answers.append((id, outcome)) }
  }

  func open(_ domain: String, preferring server: String?) async throws -> any WritebackSession {
    guard state.withLock({ $0.isReachable }) else { throw Lost() }
    return Session(directory: self, server: state.withLock { $0.server })
  }

  private struct Session: WritebackSession {
    let directory: ScriptedWriteback
    let server: String

    func account(_ identifier: GUID) async throws -> WritebackAccount? {
      directory.state.withLock { $0.account.identifier == identifier ? $0.account : nil }
    }

    func prepare(_ operation: WritebackOperation, _ account: WritebackAccount) async throws -> WritebackStroke {
      WritebackStroke(run: { _ in
        try directory.state.withLock { state in
          state.strokes += 1
          func change() { state.account.password.version = (state.account.password.version ?? 0) + 1 }
          switch state.behaviour {
          case .accepts: change()
          case .rejects(let rejection): throw rejection
          case .breaks(let done):
            if done { change() }
            throw Lost()
          }
        }
        return nil
      })
    }

    func close() async {}
  }
}
