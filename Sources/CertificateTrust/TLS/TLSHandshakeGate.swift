// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOSSL
import NIOTLS

/// Waits behind the TLS handler until the handshake is over, and turns every way in which it can end into one typed
/// result. It also owns the verification that the TLS handler asks for.
///
/// Confined to the channel's event loop.
final class TLSHandshakeGate: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let name: PeerName
  private let validator: ChainValidator
  private let deadline: TimeAmount
  private let promise: EventLoopPromise<TLSPeer>
  /// Set for a handshake that is only looked at.
  private let seen: SeenCertificates?
  private var finished = false
  private var timer: Scheduled<Void>?
  private var verification: Task<Void, Never>?
  private var outcome: Result<ValidatedPeer, TrustError>?
  private var tls: NIOSSLClientHandler?
  private var observer: ServerHelloObserver?

  init(
    name: PeerName, validator: ChainValidator, deadline: TimeAmount, promise: EventLoopPromise<TLSPeer>,
    seen: SeenCertificates? = nil
  ) {
    self.seen = seen
    self.name = name
    self.validator = validator
    self.deadline = deadline
    self.promise = promise
  }

  func watch(_ tls: NIOSSLClientHandler, _ observer: ServerHelloObserver) {
    self.tls = tls
    self.observer = observer
  }

  // MARK: Verification

  /// NIOSSL's verification callback: called on the event loop with what the peer presented.
  func verify(_ certificates: [NIOSSLCertificate], _ promise: EventLoopPromise<NIOSSLVerificationResultWithMetadata>) {
    let loop = promise.futureResult.eventLoop
    let presented: PresentedCertificates
    do {
      presented = try PresentedCertificates(derEncoded: certificates.map { try $0.toDERBytes() })
    } catch {
      outcome = .failure(error as? TrustError ?? TrustError(.unsupportedCertificate, "\(error)"))
      promise.succeed(.failed)
      return
    }
    if let seen {
      seen.see(presented)
      outcome = .failure(TrustError(.handshakeFailed, "The handshake was only looked at."))
      return promise.succeed(.failed)
    }
    let verdict = loop.makePromise(of: ValidatedPeer.self)
    verification = Task { [validator, name] in
      do throws(TrustError) {
        verdict.succeed(try await validator.validate(presented, for: .server(name)))
      } catch {
        verdict.fail(error)
      }
    }
    verdict.futureResult.assumeIsolated().whenComplete { result in
      switch result {
      case .success(let peer):
        self.outcome = .success(peer)
        promise.succeed(.certificateVerified(VerificationMetadata(nil)))
      case .failure(let error):
        self.outcome = .failure(error as? TrustError ?? TrustError(.invalidChain, "\(error)"))
        promise.succeed(.failed)
      }
    }
  }

  // MARK: The ways in which a handshake ends

  func handlerAdded(context: ChannelHandlerContext) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: deadline) {
      let seconds = Double(self.deadline.nanoseconds / 100_000_000) / 10
      let isVerifying = self.verification != nil && self.outcome == nil
      self.fail(
        isVerifying
          ? TrustError(
            .verificationTimedOut,
            "The certificate of \(self.name) could not be verified within \(seconds) s; a CRL may be slow to download.")
          : TrustError(
            .handshakeTimedOut, "\(self.name) did not complete the TLS handshake within \(seconds) s."))
      context.close(promise: nil)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    fail(TrustError(.connectionClosed, "The connection to \(name) was closed during the TLS handshake."))
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    context.fireUserInboundEventTriggered(event)
    guard !finished, case .handshakeCompleted(let applicationProtocol)? = event as? TLSUserEvent else { return }
    // A completed handshake without a verdict would be a resumed session: never trusted.
    guard case .success(let validated)? = outcome else {
      fail(TrustError(.handshakeFailed, "The TLS handshake with \(name) ended without a verification."))
      context.close(promise: nil)
      return
    }
    let version =
      switch tls?.tlsVersion {
      case .tlsv13: "TLS 1.3"
      case .tlsv12: "TLS 1.2"
      default: "TLS"
      }
    let suite = CipherSuiteName.of(observer?.cipherSuite)
    finish()
    if let observer { context.pipeline.syncOperations.removeHandler(observer, promise: nil) }
    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    promise.succeed(
      TLSPeer(
        version: version, cipherSuite: suite, applicationProtocol: applicationProtocol, validated: validated))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard !finished else { return context.fireErrorCaught(error) }
    // The verdict is the cause; the TLS handler's error only its consequence.
    if case .failure(let refusal)? = outcome {
      fail(refusal)
    } else {
      fail(Self.translate(error, name, peerHasAnswered: observer?.hasHeard ?? false))
    }
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    if case .failure(let refusal)? = outcome { fail(refusal) }
    fail(TrustError(.connectionClosed, "\(name) closed the connection during the TLS handshake."))
    context.fireChannelInactive()
  }

  func fail(_ error: TrustError) {
    guard !finished else { return }
    finish()
    verification?.cancel()
    promise.fail(error)
  }

  private func finish() {
    finished = true
    timer?.cancel()
    timer = nil
    tls = nil
  }

  private static func translate(_ error: any Error, _ name: PeerName, peerHasAnswered: Bool) -> TrustError {
    let text = String(describing: error)
    if case .handshakeFailed? = error as? NIOSSLError {
      if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") || text.contains("UNEXPECTED_RECORD") {
        return TrustError(.notTLS, "\(name) does not speak TLS on this port.")
      }
      if text.contains("UNSUPPORTED_PROTOCOL") || text.contains("PROTOCOL_VERSION") {
        return TrustError(.noCommonProtocol, "\(name) offers no TLS version from 1.2 on.")
      }
      if text.contains("HANDSHAKE_FAILURE") || text.contains("NO_SHARED_CIPHER")
        || text.contains("INSUFFICIENT_SECURITY")
      {
        return TrustError(.noCommonProtocol, "\(name) has no cipher suite in common with this machine.")
      }
      if text.contains("EOF during handshake") {
        return TrustError(.connectionClosed, "\(name) closed the connection during the TLS handshake.")
      }
    }
    if let error = error as? IOError {
      if peerHasAnswered, error.errnoCode == ECONNRESET {
        return TrustError(.connectionReset, "The connection to \(name) was reset in the middle of the TLS handshake.")
      }
      return TrustError(.connectionClosed, "The connection to \(name) broke during the TLS handshake: \(error).")
    }
    if let channelError = error as? ChannelError, channelError == .eof || channelError == .ioOnClosedChannel {
      return TrustError(.connectionClosed, "\(name) closed the connection during the TLS handshake.")
    }
    return TrustError(.handshakeFailed, "The TLS handshake with \(name) failed: \(text).")
  }
}
