// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import NIOCore
import NIOSSL

/// How the product opens TLS connections: TLS 1.2 or later, the peer's chain, name and revocation decided before the
/// handshake ends, so that nothing of a request can leave for a peer that is not trusted.
///
/// The client keeps no sessions (NIOSSL offers none to resume), so every connection presents its certificate and no
/// resumed one goes around the verification.
package struct TLSClientPolicy: Sendable {
  /// Enough for a handshake over a slow link and the download of the lists it needs.
  package static let defaultHandshakeDeadline = TimeAmount.seconds(20)

  private let context: NIOSSLContext
  private let configuration: TLSConfiguration
  package let validator: ChainValidator
  package let handshakeDeadline: TimeAmount

  /// - Parameters:
  ///   - identity: the client's certificate, where servers ask for one.
  ///   - applicationProtocols: RFC 7301 names to offer.
  ///   - handshakeDeadline: for the whole handshake, revocation lists included.
  /// - Throws: ``TrustError`` with code `badConfiguration`.
  package init(
    anchors: TrustAnchors, revocation: RevocationPolicy, identity: TLSIdentity? = nil,
    applicationProtocols: [String] = [], handshakeDeadline: TimeAmount = defaultHandshakeDeadline,
    now: @escaping @Sendable () -> Date
  ) throws(TrustError) {
    let validator = ChainValidator(anchors: anchors, revocation: revocation, now: now)
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    configuration.renegotiationSupport = .none
    configuration.applicationProtocols = applicationProtocols
    // The verification callback replaces BoringSSL's verification whole; its own roots would only cost time to load.
    configuration.certificateVerification = .noHostnameVerification
    configuration.trustRoots = .certificates([])
    if let identity {
      configuration.certificateChain = identity.chain
      configuration.privateKey = identity.key
    }
    try self.init(configuration, validator, handshakeDeadline)
  }

  private init(
    _ configuration: TLSConfiguration, _ validator: ChainValidator, _ handshakeDeadline: TimeAmount
  ) throws(TrustError) {
    self.configuration = configuration
    self.validator = validator
    self.handshakeDeadline = handshakeDeadline
    do {
      context = try NIOSSLContext(configuration: configuration)
    } catch {
      throw TrustError(
        .badConfiguration, "The TLS client cannot be set up: \(error).",
        remedy: "Check that the client's private key belongs to its certificate.")
    }
  }

  /// The same trust with another handshake.
  func varied(_ change: (inout TLSConfiguration) -> Void) throws(TrustError) -> TLSClientPolicy {
    var configuration = configuration
    change(&configuration)
    return try TLSClientPolicy(configuration, validator, handshakeDeadline)
  }

  /// Puts TLS in front of a connected channel's pipeline and waits until the peer is validated.
  ///
  /// The channel is closed when that fails, and when the task is cancelled meanwhile. Handlers for the protocol inside TLS
  /// may be there before (StartTLS) or be added afterwards.
  ///
  /// - Parameter limit: shortens ``handshakeDeadline`` where the caller has less time.
  /// - Throws: ``TrustError``, the typed reason for which the peer was refused or the handshake failed.
  package func secure(
    _ channel: any Channel, host: String, within limit: TimeAmount? = nil
  ) async throws(TrustError) -> TLSPeer {
    let future = channel.eventLoop.flatSubmit { self.install(on: channel, host: host, within: limit) }
    return try await Self.wait(for: future, channel, host)
  }

  static func wait(
    for future: EventLoopFuture<TLSPeer>, _ channel: any Channel, _ host: String
  ) async throws(TrustError) -> TLSPeer {
    do {
      return try await withTaskCancellationHandler {
        try await future.get()
      } onCancel: {
        channel.close(promise: nil)
      }
    } catch {
      throw error as? TrustError ?? TrustError(.handshakeFailed, "The TLS handshake with \(host) failed: \(error).")
    }
  }

  /// The same for callers on the channel's event loop. The future fails with ``TrustError`` only.
  package func install(
    on channel: any Channel, host: String, within limit: TimeAmount? = nil
  ) -> EventLoopFuture<TLSPeer> {
    install(on: channel, host: host, within: limit, nil)
  }

  /// - Parameters:
  ///   - requests: sees the records before the TLS handler does.
  ///   - seen: takes what the peer presents; the handshake then ends without a verdict.
  func install(
    on channel: any Channel, host: String, within limit: TimeAmount?, _ requests: CertificateRequestObserver? = nil,
    seeing seen: SeenCertificates? = nil
  ) -> EventLoopFuture<TLSPeer> {
    let deadline = min(handshakeDeadline, limit ?? handshakeDeadline)
    let promise = channel.eventLoop.makePromise(of: TLSPeer.self)
    let gate = TLSHandshakeGate(
      name: PeerName(host), validator: validator, deadline: deadline, promise: promise, seen: seen)
    do {
      let observer = ServerHelloObserver()
      let tls = try NIOSSLClientHandler(
        context: context, serverHostname: PeerName(host).host, customVerificationCallbackWithMetadata: gate.verify)
      gate.watch(tls, observer)
      let pipeline = channel.pipeline.syncOperations
      // The gate first: the TLS handler begins its handshake as soon as it is added to a connected channel.
      try pipeline.addHandlers([observer, tls, gate], position: .first)
      if let requests { try pipeline.addHandler(requests, position: .first) }
    } catch {
      let refusal = TrustError(
        .handshakeFailed, "TLS cannot be started with \(host): \(error).",
        remedy: "Check that the host name is a valid DNS name.")
      channel.close(promise: nil)
      gate.fail(refusal)
    }
    return promise.futureResult
  }
}
