// SPDX-License-Identifier: Apache-2.0

package import Logging
package import NIOCore
import NIOPosix
package import Wire

/// A signed-in connection to the named pipes of one server: what RPC's `ncacn_np` needs of SMB, and nothing else.
///
///     let dc = try await SMBConnection.connect(
///       to: ServerAddress(host: "dc1.corp.example", address: "192.0.2.10", port: SMBConnection.smbPort),
///       provider: kerberos, flow: Flow(row: "connect-ad/smb", recorder: recorder), logger: logger)
///     let samr = try await dc.openPipe("samr")       // a PipeTransport
///     …
///     await samr.close()
///     await dc.close()
///
/// Every message is signed or encrypted. SMB 1, guests, anonymous sessions and NTLM do not exist here. Errors are
/// ``SMBError``, `SecurityError` (Kerberos) or `CancellationError`.
package final class SMBConnection: Closable {
  /// SMB over TCP without NetBIOS (MS-SMB2 2.1).
  package static let smbPort = 445

  let link: SMBLink
  let treeID: UInt32
  let applicationKey: SecretBytes
  package let negotiation: SMBNegotiation
  package let isEncrypted: Bool
  /// How the traffic is protected, in words: dialect, signature, encryption, mechanism.
  package let protection: String

  package var server: ServerAddress { link.server }

  private init(_ link: SMBLink, _ session: EstablishedSession) {
    self.link = link
    treeID = session.treeID
    applicationKey = session.applicationKey
    negotiation = session.negotiation
    isEncrypted = session.isEncrypted
    protection = session.protection
  }

  /// Connects, signs in and connects the share IPC$; then, and only then, tells the flow.
  ///
  /// - Parameters:
  ///   - principal: the server's; `cifs/<host>` when nil.
  ///   - socket: the descriptor of a TCP connection to the server that stands already; it is taken over.
  ///   - group: event loops to run on.
  /// - Throws: ``SMBError``, whatever the provider of the security context throws, `CancellationError`.
  package static func connect(
    to server: ServerAddress, provider: any SecurityContextProvider, principal: ServicePrincipal? = nil, flow: Flow,
    options: SMBOptions = SMBOptions(), over socket: CInt? = nil,
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger
  ) async throws -> SMBConnection {
    let link = try await SMBLink.open(server, options, over: socket, group, logger)
    do {
      let session = try await withTaskCancellationHandler {
        try await link.establish(provider, principal ?? ServicePrincipal(service: "cifs", host: server.host))
      } onCancel: {
        link.channel.close(promise: nil)
      }
      flow.established(
        .tcp, host: server.host, address: server.address, port: server.port, protection: session.protection)
      logger.debug("connected", metadata: ["server": "\(server)", "protection": "\(session.protection)"])
      return SMBConnection(link, session)
    } catch {
      await link.close()
      if Task.isCancelled { throw CancellationError() }
      throw error
    }
  }

  /// Opens a pipe to a service, for example `samr`.
  package func openPipe(_ name: String) async throws -> NamedPipe {
    let message = try await link.perform(
      SMBRequest(CreateRequest(name: name), treeID: treeID), action: "Opening the pipe \(name)")
    let file = try link.decode(message, CreateResponse.init).file
    return NamedPipe(self, file: file, service: name)
  }

  /// Time for the farewell: nothing depends on it.
  static let farewell = Duration.seconds(2)

  /// Ends share and session, as far as the server still answers, and waits until the connection is closed.
  package func close() async {
    let (tree, logoff) = (SMBRequest(ending: .treeDisconnect, treeID: treeID), SMBRequest(ending: .logoff))
    if let answer = try? await link.perform(tree, timeout: Self.farewell), answer.header.status == .success {
      _ = try? await link.perform(logoff, timeout: Self.farewell)
    }
    await link.close()
  }
}
