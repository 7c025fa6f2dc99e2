// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
package import Logging
package import NIOCore
import NIOPosix
package import Wire

/// A signed-in connection to one directory server. Overview of what it offers:
///
///     let dc = try await LDAPConnection.connect(
///       to: ServerAddress(host: "dc1.corp.example", address: "192.0.2.10", port: 389),
///       security: .sealed(kerberos), flow: Flow(row: "connect-ad/ldap", recorder: recorder), logger: logger)
///
///     let root = try await dc.rootDSE()                                    // Directory/RootDSE.swift
///     let id = try await dc.invocationID(of: root)                         // Directory/NTDSSettings.swift
///     let schema = try await dc.schema(of: ["mail", "member"], root)       // Directory/SchemaAttributes.swift
///     for try await entry in dc.search(base: root.defaultNamingContext, filter: try Filter("(mail=*)"),
///       attributes: ["mail"]) { … }                                        // Search/SearchStream.swift: paged, complete or error
///     let entry = try await dc.entry("CN=…", attributes: ["mail"])         // Search/BaseObject.swift
///     for try await event in dc.dirSync(DirSyncRequest(…)) { … }           // Search/DirSync.swift: changes and cookies
///     try await dc.modify(dn, [.replace("mail", ["a@b"])])                 // Connection/Updates.swift, add, delete, …
///     await dc.close()
///
/// Operations run side by side; a task's cancellation abandons its own. A consumer that falls behind makes the socket
/// wait (see ``ReadGate``). Errors are ``LDAPError``, `TrustError` (TLS), ``SecurityError`` (Kerberos) or
/// `CancellationError`.
package final class LDAPConnection: Closable {
  package static let ldapPort = 389
  package static let ldapsPort = 636
  package static let globalCatalogTLSPort = 3269

  let link: Link
  /// How the traffic is protected, in words: mechanism or TLS version and cipher suite.
  package let protection: String

  package var server: ServerAddress { link.server }
  /// Bytes of all messages that arrived, without what protects them.
  package var bytesReceived: Int { link.received }

  private init(_ link: Link, protection: String) {
    self.link = link
    self.protection = protection
  }

  /// Connects, protects the connection and signs in; then, and only then, tells the flow.
  ///
  /// - Parameters:
  ///   - socket: the descriptor of a TCP connection to the server that stands already; it is taken over.
  ///   - group: event loops to run on.
  /// - Throws: ``LDAPError``, `TrustError`, whatever the provider of the security context throws, `CancellationError`.
  package static func connect(
    to server: ServerAddress, security: ConnectionSecurity, flow: Flow, options: LDAPOptions = LDAPOptions(),
    over socket: CInt? = nil, group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger
  ) async throws -> LDAPConnection {
    let link = try await Link.open(server, options, over: socket, group, logger)
    do {
      let protection = try await withTaskCancellationHandler {
        try await link.establish(security)
      } onCancel: {
        link.channel.close(promise: nil)
      }
      flow.established(
        .tcp, host: server.host, address: server.address, port: server.port, protection: protection)
      logger.debug("connected", metadata: ["server": "\(server)", "protection": "\(protection)"])
      return LDAPConnection(link, protection: protection)
    } catch {
      await link.close()
      if Task.isCancelled { throw CancellationError() }
      throw error
    }
  }

  /// Ends the connection (RFC 4511 4.3) and waits until it is closed. Operations under way fail with `closed`.
  package func close() async { await link.close() }
}

extension Link {
  /// The handshakes in their order: tickets, TLS, bind, security layer.
  fileprivate func establish(_ security: ConnectionSecurity) async throws -> String {
    switch security.kind {
    case .sealed(let provider, let principal, let mechanism):
      let context = try await provider.initiate(
        principal ?? ServicePrincipal(service: "ldap", host: server.host),
        SecurityParameters(mechanism: mechanism.contextMechanism, protection: .confidentiality))
      try await arm(options.handshakeTimeout, phase: "the sign-in")
      let maximumSent = try await bind(context, mechanism, layer: .confidentiality)
      guard context.protection == .confidentiality else {
        throw LDAPError(
          .weakProtection, "\(server) agreed to \(context.protection) where signing and sealing are required.",
          remedy: "Allow sealing on the server, or use LDAPS.")
      }
      try await protect(with: context, maximumSent: maximumSent)
      try await disarm()
      return context.summary
    case .tls(let policy, let signIn):
      let peer = try await handshake(policy)
      try await arm(options.handshakeTimeout, phase: "the sign-in")
      switch signIn.kind {
      case .negotiated(let provider, let principal):
        let context = try await provider.initiate(
          principal ?? ServicePrincipal(service: "ldap", host: server.host),
          SecurityParameters(mechanism: .spnego, protection: .none, channelBinding: peer.serverEndPointBinding))
        _ = try await bind(context, .spnego, layer: .none)
        try await disarm()
        return "\(peer.protection), \(context.summary)"
      case .simple(let name, let password): try await bind(name: name, password: password)
      case .anonymous: break
      }
      try await disarm()
      return peer.protection
    case .open: return "none"
    }
  }

  /// A handshake that stalls or breaks off says nothing of the server's identity: another server may do better.
  private func handshake(_ policy: TLSClientPolicy) async throws -> TLSPeer {
    do throws(TrustError) { return try await policy.secure(channel, host: server.host) } catch {
      switch error.code {
      case .handshakeTimedOut, .verificationTimedOut: throw LDAPError(.timeout, error.message, remedy: error.remedy)
      case .connectionClosed, .connectionReset: throw LDAPError(.closed, error.message, remedy: error.remedy)
      default: throw error
      }
    }
  }
}
