// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SCIM
import Store
package import WebIdentity
import Wire

extension TenantDirectory {
  /// Registers a certificate with which an application proves who it is; it may have several, so that one can be renewed.
  ///
  /// - Throws: ``TenantError`` `unknownApplication`, `invalidApplication` for a public one and for a certificate that is over.
  package func addCertificate(_ certificate: ClientCertificate, to id: String, by actor: Actor) async throws {
    let now = environment.now()
    guard certificate.expires > now else {
      throw TenantError(
        .invalidApplication, "The certificate of \(certificate.subject) has expired.", remedy: "Give a newer one.")
    }
    let key = try String(decoding: JSONEncoder().encode(certificate.publicKey), as: UTF8.self)
    try await store.write(durability: .full) { transaction in
      guard let application = try Self.application(id, transaction)?.application else {
        throw TenantError(
          .unknownApplication, "There is no application \(id).", remedy: "List the applications for their identifiers.")
      }
      guard application.kind == .confidential else {
        throw TenantError(
          .invalidApplication, "A public application cannot keep a private key.", remedy: "Leave out --public.")
      }
      try transaction.run(
        """
        INSERT INTO application_certificate (application, thumbprint, subject, key, expires) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
        """,
        [
          .text(id), .text(certificate.thumbprint), .text(certificate.subject), .text(key),
          .integer(certificate.expires.milliseconds),
        ])
      let after: JSONValue = ["certificate": .string(certificate.thumbprint), "subject": .string(certificate.subject)]
      try AuditEntry(actor: actor, at: now, action: .add, kind: "Application", target: id, after: after.text)
        .insert(transaction)
    }
  }

  /// The application that an assertion comes from.
  ///
  /// - Parameter audiences: what the provider is called.
  /// - Throws: ``WebIdentity/OAuthError`` `invalidClient`.
  func authenticate(_ assertion: ClientAssertion, audiences: Set<String>) async throws -> Application {
    let now = environment.now()
    let id = assertion.claimedClient
    let (application, keys) = try await store.read { transaction in
      (
        try Self.application(id, transaction)?.application,
        try transaction.query(
          "SELECT key FROM application_certificate WHERE application = ? AND expires > ?",
          [.text(id), .integer(now.milliseconds)]
        ) { row in try JSONDecoder().decode(JSONWebKey.self, from: Data((row[0] as String).utf8)) }
      )
    }
    guard let application, application.kind == .confidential,
      assertion.isValid(by: keys, audiences: audiences, at: Int(now.timeIntervalSince1970))
    else { throw OAuthError(.invalidClient, "The client is unknown or its assertion is not valid.") }
    return application
  }
}
