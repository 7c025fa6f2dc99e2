// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOSSL
import Synchronization

extension TLSClientPolicy {
  /// Opens TLS like ``secure(_:host:within:)``, and notes whether the server asks for a client certificate, and for whose.
  ///
  /// At most TLS 1.2 is offered where the caller wants to see the list of authorities, which TLS 1.3 seals.
  ///
  /// - Returns: the request, nil when there was none, beside the peer or the reason why there is none. A server that
  ///   insists on a certificate ends the handshake; its own was validated before.
  package func secureNotingRequest(
    _ channel: any Channel, host: String, within limit: TimeAmount? = nil, offersTLS13: Bool
  ) async -> (request: CertificateRequest?, peer: Result<TLSPeer, TrustError>) {
    let observer = CertificateRequestObserver()
    let variant: TLSClientPolicy
    do throws(TrustError) {
      variant = try varied { configuration in
        if !offersTLS13 { configuration.maximumTLSVersion = .tlsv12 }
        configuration.sslContextCallback = { _, promise in
          observer.note()
          promise.succeed(.noChanges)
        }
      }
      // Before the TLS handler, which is put at the same place afterwards, so that this one sees the records.
      let future = channel.eventLoop.flatSubmit { variant.install(on: channel, host: host, within: limit, observer) }
      let peer = try await Self.wait(for: future, channel, host)
      return (observer.request, .success(peer))
    } catch {
      return (observer.request, .failure(error))
    }
  }

  /// Fetches what a server presents and ends the handshake there: nothing is trusted, nothing is sent. For whoever wants
  /// to know where a certificate's revocation lists are before anything is said about its trust.
  package func presented(
    _ channel: any Channel, host: String, within limit: TimeAmount? = nil
  ) async throws(TrustError) -> PresentedCertificates {
    let box = SeenCertificates()
    let future = channel.eventLoop.flatSubmit { self.install(on: channel, host: host, within: limit, seeing: box) }
    do throws(TrustError) {
      _ = try await Self.wait(for: future, channel, host)
    } catch {
      if let presented = box.value { return presented }
      throw error
    }
    throw TrustError(.handshakeFailed, "\(host) completed a handshake that was to end.")
  }
}

/// What a handshake that is only looked at has shown.
final class SeenCertificates: Sendable {
  private let state = Mutex<PresentedCertificates?>(nil)
  var value: PresentedCertificates? { state.withLock { $0 } }
  func see(_ presented: PresentedCertificates) { state.withLock { $0 = presented } }
}
