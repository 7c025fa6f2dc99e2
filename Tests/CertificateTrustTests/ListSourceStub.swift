// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import Foundation
import Synchronization
import TestSupport

/// A source of lists that a test fills; it counts what was fetched.
final class ListShelf: RevocationListSource {
  private struct State {
    var lists: [String: [UInt8]] = [:]
    var fetched: [String] = []
  }
  private let state: Mutex<State>

  init(_ lists: [String: [UInt8]] = [:]) { state = Mutex(State(lists: lists)) }

  let schemes: Set<String> = ["http", "ldap"]

  var fetched: [String] { state.withLock { $0.fetched } }
  func put(_ list: [UInt8]?, at location: String) { state.withLock { $0.lists[location] = list } }

  func fetch(_ location: String) async throws(TrustError) -> [UInt8] {
    // Lets other requests for the same list come in meanwhile.
    await Task.yield()
    let list = state.withLock { state -> [UInt8]? in
      state.fetched.append(location)
      return state.lists[location]
    }
    guard let list else {
      throw TrustError(.listUnreachable, "The CRL at \(location) cannot be fetched: nothing is there.")
    }
    return list
  }
}

extension TestClock {
  var read: @Sendable () -> Date { { self.now } }
}
