// SPDX-License-Identifier: Apache-2.0

package import HTTP

/// Where a service may send its clients: the access token goes with them.
///
/// To another name only within one of Microsoft's clouds, and only where the configured address is of the same one; everywhere
/// else to the configured host alone. Always by https, and on the same port.
package struct CloudBoundary: Sendable {
  /// The parents of the services' names: worldwide, the United States' government, China.
  package static let clouds = ["microsoftonline.com", "microsoftonline.us", "partner.microsoftonline.cn"]

  private let origin: HTTPURL

  package init(_ origin: HTTPURL) { self.origin = origin }

  package func allows(_ url: HTTPURL) -> Bool {
    guard url.scheme == .https, url.port == origin.port else { return false }
    if url.host == origin.host { return true }
    return Self.clouds.contains { Self.contains($0, origin.host) && Self.contains($0, url.host) }
  }

  private static func contains(_ cloud: String, _ host: String) -> Bool { host.hasSuffix(".\(cloud)") }
}
