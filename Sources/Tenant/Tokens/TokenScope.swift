// SPDX-License-Identifier: Apache-2.0

/// What a bearer token allows.
package enum TokenScope: String, Sendable, Hashable, CaseIterable {
  /// Read resources, discovery and domains.
  case read = "scim.read"
  /// Create, change and delete resources; includes `scim.read`.
  case write = "scim.write"
  /// Replace what the tenant keeps of passwords (`PATCH /tenant/credentials`), and nothing else.
  case credentials
  /// Hand over and retire the keys of Seamless SSO (`/tenant/sso`), and nothing else.
  case sso
  /// Fetch requests of password writeback and tell their outcome (`/tenant/writeback`), and nothing else.
  case writeback
  /// Everything; includes the others.
  case administer = "tenant.admin"

  func includes(_ other: TokenScope) -> Bool {
    switch self {
    case .administer: true
    case .write: other == .write || other == .read
    case .read, .credentials, .sso, .writeback: other == self
    }
  }
}
