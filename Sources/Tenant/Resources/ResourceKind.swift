// SPDX-License-Identifier: Apache-2.0

import SCIM

/// The kinds of resources. The raw values are stored.
package enum ResourceKind: Int, Sendable, Hashable, CaseIterable {
  case user = 1
  case group = 2
  case contact = 3
  case device = 4

  var definition: ResourceTypeDefinition {
    switch self {
    case .user: .user
    case .group: .group
    case .contact: .contact
    case .device: .device
    }
  }

  /// The resource type's name, for example `User`.
  package var name: String { definition.name }

  /// The kind whose endpoint is this, for example `Users`. Clients in the field also write it in lower case.
  init?(endpoint: some StringProtocol) {
    let found = Self.allCases.first { SCIMText.namesMatch($0.definition.endpoint, "/" + endpoint) }
    guard let found else { return nil }
    self = found
  }

  func uri(_ id: String, base: String) -> String { "\(base)\(definition.endpoint)/\(id)" }
}
