// SPDX-License-Identifier: Apache-2.0

/// What was found out about one flow. The raw value is what every output says.
package enum Verdict: String, Sendable, Codable, CaseIterable {
  /// The conversation went as deep as the row asks for.
  case works
  /// It did, and something should be seen to before it stops: a large skew, a stand-in instead of the server.
  case worksWithRemark = "works-with-remark"
  /// Nothing passes: packets vanish, or a device on the way says that it refuses them.
  case blocked
  /// The host itself answers that nobody listens, or a firewall answers so in its name.
  case refused
  /// Something answers that is not the service, or not this host's.
  case wrongService = "wrong-service"
  /// The path is open and the right service answers, but does not do what the row is for.
  case broken
  /// The evidence does not tell; the finding says what is missing.
  case inconclusive

  /// Whether a required flow with this verdict lets the whole check fail.
  package var isFailure: Bool {
    switch self {
    case .works, .worksWithRemark, .inconclusive: false
    case .blocked, .refused, .wrongService, .broken: true
    }
  }
}
