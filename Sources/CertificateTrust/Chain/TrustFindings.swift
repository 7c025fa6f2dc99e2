// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Where the policies of one verification note what they found: swift-certificates carries a refusal as text only.
final class TrustFindings: Sendable {
  private struct State {
    var refusals: [TrustError] = []
    var statuses: [RevocationStatus] = []
  }
  private let state = Mutex(State())

  func refuse(_ error: TrustError) { state.withLock { $0.refusals.append(error) } }
  func note(_ statuses: [RevocationStatus]) { state.withLock { $0.statuses = statuses } }

  /// The refusal to report: the first candidate chain's, unless another one says that a certificate was revoked.
  var refusal: TrustError? {
    state.withLock { state in state.refusals.first { $0.code == .revoked } ?? state.refusals.first }
  }
  /// The statuses of the chain that was looked at last, leaf first.
  var statuses: [RevocationStatus] { state.withLock { $0.statuses } }
}
