// SPDX-License-Identifier: Apache-2.0

import Kerberos
import SCIM
import Wire

/// What taking tickets needs beside the keys.
struct TicketSettings: Sendable {
  /// Bytes of the header field with a ticket: 48,000, which is as large as Windows makes one (MaxTokenSize, since Windows
  /// Server 2012), in base64, and the scheme.
  static let fieldBytes = 48_000 / 3 * 4 + 16
  var replayCache = KerberosAcceptor.ReplayCache.none
  /// RFC 5929 application data of the server's certificate; nil to bind nothing.
  var channelBinding: [UInt8]?
}

/// Takes tickets with the keys that the store has now, so that a key handed over or retired by another process counts at once.
///
/// Each forest has an acceptor of its own: what a forest's key opens speaks for accounts of that forest's domains only.
actor TicketAcceptance {
  private let directory: TenantDirectory
  private let settings: TicketSettings
  private var acceptors: [String: (ids: [String], acceptor: KerberosAcceptor)] = [:]

  init(directory: TenantDirectory, settings: TicketSettings) {
    self.directory = directory
    self.settings = settings
  }

  /// - Parameter host: the service's, as in `HTTP/host`.
  /// - Returns: who proved themselves, and the user of this tenant that they are; nil when there is none who may sign in.
  /// - Throws: `SecurityError` for a token that proves nothing; `StoreError`, ``TenantError`` `sealingKey`.
  func accept(_ token: [UInt8], host: String) async throws -> (client: AcceptedClient, user: VerifiedUser?) {
    let records = try await directory.serviceKeys()
    let forests = Dictionary(grouping: records, by: \.forest)
    acceptors = acceptors.filter { forests[$0.key] != nil }
    var failure: SecurityError?
    for forest in forests.keys.sorted() {
      guard let keys = forests[forest], let first = keys.first else { continue }
      do {
        let acceptor = try await acceptor(
          forest, keys, ServicePrincipal(service: "HTTP", host: host, realm: first.realm))
        let client = try await acceptor.accept(token, channelBinding: settings.channelBinding)
        guard Self.speaksFor(client.identifier, keys) else {
          throw SecurityError(
            .rejectedToken, "\(forest) makes a ticket for \(client.identifier), which is of none of its domains.",
            remedy: "If the domain is new, run 'bridgehead connect sso roll'.")
        }
        return (client, try await directory.user(client.identifier))
      } catch let error as SecurityError {
        failure = error
      }
    }
    throw failure
      ?? SecurityError(
        .badCredentialSource, "There is no key to take tickets with.", remedy: "Run 'bridgehead connect sso enable'.")
  }

  private func acceptor(
    _ forest: String, _ records: [ServiceKeyRecord], _ service: ServicePrincipal
  ) async throws -> KerberosAcceptor {
    let ids = records.map(\.id) + [service.description]
    if let known = acceptors[forest], known.ids == ids { return known.acceptor }
    var keys: [ServiceKey] = []
    for record in records { keys += try await directory.serviceKeys(of: record) }
    let acceptor = try KerberosAcceptor(service, keys: keys, replayCache: settings.replayCache)
    acceptors[forest] = (ids, acceptor)
    return acceptor
  }

  /// Whether the account is of one of the domains that the newest key was handed over with.
  private static func speaksFor(_ identifier: SecurityIdentifier, _ records: [ServiceKeyRecord]) -> Bool {
    let text = identifier.description
    guard let end = text.lastIndex(of: "-") else { return false }
    return records.contains { $0.domains.contains(String(text[..<end])) }
  }
}
