// SPDX-License-Identifier: Apache-2.0

/// An end of a flow. The raw value is what the command line and the row identifiers say.
package enum Role: String, CaseIterable, Sendable, Codable {
  case connect
  case activeDirectory = "ad"
  case cloud
  case federation
  case proxy
  case users

  /// The role's name in sentences.
  package var title: String {
    switch self {
    case .connect: "Connect server"
    case .activeDirectory: "on-premises AD"
    case .cloud: "cloud directory"
    case .federation: "federation servers"
    case .proxy: "web application proxy"
    case .users: "users"
    }
  }
}
