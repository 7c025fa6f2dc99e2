// SPDX-License-Identifier: Apache-2.0

/// Fetches the bytes of a certificate revocation list.
///
/// `HTTP` implements it for `http:`; whoever has an LDAP client may implement it for `ldap:` and `ldap:///` (where no
/// host is named, RFC 5280 4.2.1.13 leaves the choice of the server to the client).
package protocol RevocationListSource: Sendable {
  /// The URL schemes that this source serves, in lower case.
  var schemes: Set<String> { get }
  /// - Returns: the body, of at most ``CertificateList/maximumBytes`` bytes.
  /// - Throws: ``TrustError`` with code `listUnreachable`, naming the location and the cause.
  func fetch(_ location: String) async throws(TrustError) -> [UInt8]
}

/// Several sources as one: the location's scheme chooses.
package struct RevocationListSources: RevocationListSource {
  private let sources: [any RevocationListSource]

  package init(_ sources: [any RevocationListSource]) { self.sources = sources }

  package var schemes: Set<String> { sources.reduce(into: []) { $0.formUnion($1.schemes) } }

  package func fetch(_ location: String) async throws(TrustError) -> [UInt8] {
    let scheme = location.prefix { $0 != ":" }.lowercased()
    guard let source = sources.first(where: { $0.schemes.contains(scheme) }) else {
      throw TrustError(
        .listUnreachable,
        "The CRL at \(location) cannot be fetched: no client for the scheme '\(scheme)' is configured.",
        remedy: scheme == "https"
          ? "Publish the CRL over http: a CRL over https would need a CRL to be fetched (RFC 5280 8)."
          : "Let the certificate authority publish its CRL over http.")
    }
    return try await source.fetch(location)
  }
}
