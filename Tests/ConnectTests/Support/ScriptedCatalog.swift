// SPDX-License-Identifier: Apache-2.0

import Connect
import IdentityModel
import Synchronization
import Wire

/// A Global Catalog that a test fills.
final class ScriptedCatalog: ReferenceResolver {
  private struct State {
    var objects: [Anchor: Change] = [:]
    var questions: [Anchor] = []
    var isDown = false
  }

  let source: String
  private let state = Mutex(State())

  init(_ source: String) { self.source = source }

  /// Makes an object of a domain that is not imported, and returns its GUID.
  @discardableResult
  func add(_ kind: ObjectKind, _ name: String, number: UInt8) -> Anchor {
    let anchor = Self.anchor(number)
    add(kind, name, as: anchor)
    return anchor
  }

  func add(_ kind: ObjectKind, _ name: String, as anchor: Anchor, below domain: String = "DC=child,DC=corp,DC=example")
  {
    let attributes = Attributes(texts: [
      "userprincipalname": ["\(name)@child.corp.example"], "displayname": [name], "mail": ["\(name)@corp.example"],
    ])
    state.withLock {
      $0.objects[anchor] = Change(
        anchor: anchor, kind: kind, name: "CN=\(name),\(domain)", isComplete: true,
        attributes: attributes)
    }
  }

  static func anchor(_ number: UInt8) -> Anchor { Anchor([9] + [UInt8](repeating: 0, count: 14) + [number]) }

  func remove(_ anchor: Anchor) { state.withLock { $0.objects[anchor] = nil } }
  func beDown(_ isDown: Bool) { state.withLock { $0.isDown = isDown } }
  /// What was asked for so far, in order.
  var questions: [Anchor] { state.withLock { $0.questions } }
  func forgetQuestions() { state.withLock { $0.questions = [] } }

  func resolve(_ anchors: [Anchor]) async throws -> [Change] {
    try state.withLock { state in
      if state.isDown { throw ConnectError(.directoryUnreachable, "dc1:3268 is silent.", remedy: "Open 3268.") }
      state.questions += anchors
      return anchors.compactMap { state.objects[$0] }
    }
  }
}
