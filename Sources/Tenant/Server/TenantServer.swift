// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
import Kerberos
package import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import TCP
import Wire

/// Where and how the tenant listens.
package struct TenantServerConfiguration: Sendable {
  /// The address to listen on, numeric or a name.
  package var host: String
  /// 0 for any free port.
  package var port: Int
  /// PEM files: the leaf certificate first, then what leads to the root; and its key.
  package var certificateChainPath: String
  package var privateKeyPath: String
  /// The base URI that clients use, without a trailing slash; nil for `https://<host>:<port>`.
  package var publicURL: String?
  /// The path of the file that remembers which Kerberos proofs were seen; nil remembers none.
  package var replayCache: String?

  package init(
    host: String, port: Int, certificateChainPath: String, privateKeyPath: String, publicURL: String? = nil,
    replayCache: String? = nil
  ) {
    self.host = host
    self.port = port
    self.certificateChainPath = certificateChainPath
    self.privateKeyPath = privateKeyPath
    self.publicURL = publicURL
    self.replayCache = replayCache
  }
}

/// The tenant's HTTPS service. A graceful shutdown ends listening, lets requests under way finish, then returns.
package struct TenantServer: Service {
  private let directory: TenantDirectory
  private let configuration: TenantServerConfiguration
  private let tls: TLSConfiguration
  private let tickets: TicketSettings
  private let logger: Logger
  private let bound = BoundPort()

  /// How often keys are looked after and what is over is purged, in seconds.
  private static let purgeInterval = 3600

  /// Reads the certificate and the key.
  ///
  /// - Throws: ``TenantError`` `certificate` or `TrustError` naming the file.
  package init(directory: TenantDirectory, configuration: TenantServerConfiguration, logger: Logger) throws {
    self.directory = directory
    self.configuration = configuration
    self.logger = logger
    let identity = try ServerCertificate(
      chain: configuration.certificateChainPath, key: configuration.privateKeyPath)
    tls = identity.configuration
    tickets = TicketSettings(
      replayCache: configuration.replayCache.map { .file(path: $0) } ?? .none, channelBinding: identity.channelBinding)
  }

  /// The port, as soon as ``run()`` listens.
  ///
  /// - Throws: what ``run()`` threw when it could not listen.
  package func port() async throws -> Int { try await bound.value() }

  /// Serves until a graceful shutdown or cancellation.
  ///
  /// - Throws: ``TenantError`` `bind` when the address cannot be listened on.
  package func run() async throws {
    do {
      try await serve()
      await bound.resolve(.failure(CancellationError()))
    } catch {
      let error = listenError(error)
      await bound.resolve(.failure(error))
      throw error
    }
  }

  private func serve() async throws {
    let limits = directory.limits
    let bound = bound
    let configuration = configuration
    let service = TenantService(
      directory: directory, logger: logger, tickets: tickets,
      base: {
        if let publicURL = configuration.publicURL { return publicURL }
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        return "https://\(host):\(try await bound.value())"
      })
    var stream = HTTP1Channel.Configuration(
      additionalChannelHandlers: [RequestDeadlineHandler(limits: limits)],
      idleTimeout: .seconds(Int64(limits.idleSeconds)))
    stream.httpDecoder = .init(
      maxHeaderFieldSize: max(limits.headerBytes, limits.targetBytes),
      maxHeaderListSize: limits.headerBytes + limits.targetBytes, maxHeaderFieldCount: limits.headerFields)
    let http = HTTP2UpgradeChannel.Configuration(
      idleTimeout: .seconds(limits.idleSeconds), gracefulCloseTimeout: .seconds(limits.drainSeconds),
      streamConfiguration: stream)
    stream.httpDecoder.maxHeaderFieldSize = TicketSettings.fieldBytes
    stream.httpDecoder.maxHeaderListSize = TicketSettings.fieldBytes + limits.headerBytes + limits.targetBytes
    let ticketStream = stream
    let ticketHost = configuration.publicURL.map { SignInService.ticketHost(of: SignInService.origin(of: $0)) }
    let tls = tls
    let application = Hummingbird.Application(
      responder: TenantResponder(service: service),
      server: HTTPServerBuilder { responder in
        TimedTLSChannel(
          base: try HTTP2UpgradeChannel(tlsConfiguration: tls, configuration: http, responder: responder),
          tickets: try TLSChannel(
            HTTP1Channel(responder: responder, configuration: ticketStream), tlsConfiguration: tls),
          ticketHost: ticketHost,
          handshakeSeconds: limits.handshakeSeconds)
      },
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port), serverName: nil,
        availableConnectionsDelegate: .maximum(limits.connections, logger: Self.quiet)),
      onServerRunning: { channel in
        await bound.resolve(.success(channel.localAddress?.port ?? configuration.port))
      },
      logger: Self.quiet)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await application.run() }
      group.addTask { [directory, logger] in await Self.purge(directory, logger) }
      group.addTask {
        try await gracefulShutdown()
        try await Task.sleep(for: .seconds(limits.drainSeconds))
      }
      // Whichever ends first ends the others: the application after it was drained, or the time for that.
      try await group.next()
      group.cancelAll()
      do { try await group.waitForAll() } catch is CancellationError {}
    }
  }

  /// Ends with the server, by cancellation.
  private static func purge(_ directory: TenantDirectory, _ logger: Logger) async {
    while true {
      do {
        try await directory.maintainSigningKeys(by: Actor(who: "server"))
        _ = try await directory.purgeSignIns()
        try await directory.purgeWriteback()
        let purged = try await directory.purge(by: Actor(who: "server"))
        if purged > 0 { logger.info("purged deleted resources", metadata: ["count": "\(purged)"]) }
        try await Task.sleep(for: .seconds(purgeInterval))
      } catch is CancellationError {
        return
      } catch {
        logger.error("upkeep failed", metadata: ["error": "\(error)"])
        do { try await Task.sleep(for: .seconds(purgeInterval)) } catch { return }
      }
    }
  }

  /// Hummingbird's own lines would say twice what the service logs.
  private static let quiet: Logger = {
    var logger = Logger(label: "bridgehead.tenant.http", factory: { _ in SwiftLogNoOpLogHandler() })
    logger.logLevel = .critical
    return logger
  }()

  private func listenError(_ error: any Error) -> any Error {
    guard let cause = ListenFailure.cause(error) else { return error }
    let place = "\(configuration.host):\(configuration.port)"
    return TenantError(
      .bind, "The tenant cannot listen on \(place) (\(cause)).",
      remedy: "Choose an address of this machine and a port that is free (`ss -ltnp` shows who has it); "
        + "ports below 1024 need CAP_NET_BIND_SERVICE.")
  }
}

/// The port of a listener that is about to start.
private actor BoundPort {
  private var result: Result<Int, any Error>?
  private var waiting: [CheckedContinuation<Int, any Error>] = []

  /// The first result counts.
  func resolve(_ result: Result<Int, any Error>) {
    guard self.result == nil else { return }
    self.result = result
    for continuation in waiting { continuation.resume(with: result) }
    waiting = []
  }

  func value() async throws -> Int {
    if let result { return try result.get() }
    return try await withCheckedThrowingContinuation { waiting.append($0) }
  }
}
