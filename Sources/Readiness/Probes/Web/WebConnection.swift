// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import FoundationEssentials
import HTTP
import NIOCore
import Synchronization
import Wire

/// A connection to a web server as probes make it: TCP, the proxy's tunnel, TLS, each a phase of the log.
struct WebConnection {
  let url: HTTPURL
  let session: HTTPSession
  /// The proxy that requests go to in the absolute form (RFC 9112 3.2.2); nil without one, and inside a tunnel.
  private let plainProxy: Endpoint?
  private let first: FirstBytes

  /// The largest page that a probe reads.
  static let maximumBytes = 1 << 20

  /// - Returns: nil when there is none; the log says why.
  static func open(
    _ scheme: HTTPURL.Scheme, _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog,
    phase: Phase.Name = .connect
  ) async -> WebConnection? {
    guard let url = try? HTTPURL("\(scheme.rawValue)://\(bracketed(target.serverName)):\(target.port)/") else {
      log.observe(.systemError("'\(target.serverName)' is no name to ask a web server for"))
      return nil
    }
    guard
      let socket = await context.sockets.connect(
        target, port: target.relay?.port, phase: phase, deadline: context.deadline, log)
    else { return nil }
    var stream: ProbeStream?
    do {
      let opened = ProbeStream(try await socket.channel(on: context.group))
      stream = opened
      if scheme == .https {
        if let relay = target.relay {
          try await log.phase(.proxy, sent: "CONNECT \(url.endpoint)") {
            try await context.asking(relay) { proxy in
              try await HTTPSession.tunnel(
                through: proxy, to: url.endpoint, on: opened.channel, within: TimeAmount(context.patience()))
            }
            return ((), received: "a tunnel")
          }
        }
        guard await opened.secure(target, context, log) != nil else { return nil }
      }
      let first = FirstBytes()
      try await opened.channel.pipeline.addHandler(first).get()
      let plainProxy = scheme == .http ? target.relay : nil
      let session = try await HTTPSession(
        on: opened.channel, to: url, proxy: plainProxy.map { context.proxy(at: $0) })
      return WebConnection(url: url, session: session, plainProxy: plainProxy, first: first)
    } catch {
      log.observe(http: error, [], phase: .proxy, context)
      stream?.close()
      return nil
    }
  }

  func close() { session.close() }

  /// Asks for a page, as a phase.
  ///
  /// - Returns: nil when there is no response; the log says why.
  func get(
    _ path: String, fields: HTTPFields = [:], maximumBytes: Int = maximumBytes, phase: Phase.Name = .request,
    _ context: ProbeContext, _ log: ConversationLog
  ) async -> HTTPResponse? {
    do {
      var request = HTTPRequest("GET", try url.with(target: path), fields: fields)
      request.deadline = TimeAmount(context.patience())
      request.maximumResponseBytes = maximumBytes
      let sending = request
      return try await log.phase(phase, sent: "GET \(request.url)") {
        let response = try await send(sending, context)
        return (response, received: Self.words(response))
      }
    } catch {
      log.observe(http: error, first.bytes, phase: phase, context)
      return nil
    }
  }

  /// A proxy's 407 (RFC 9110 15.5.8) is no response of the server.
  private func send(_ request: HTTPRequest, _ context: ProbeContext) async throws -> HTTPResponse {
    guard let plainProxy else { return try await session.send(request) }
    return try await context.asking(plainProxy) { [session] proxy in
      let response = try await session.send(request)
      guard response.status == 407 else { return response }
      var error = HTTPError(.proxyAuthenticationRequired, "The proxy \(plainProxy) answered 407.")
      error.refusal = ProxyRefusal(
        status: response.status,
        schemes: AuthenticationChallenge.all("Proxy-Authenticate", in: response.fields).map(\.scheme),
        hadCredentials: proxy.credentials != nil)
      throw error
    }
  }

  /// Records what went wrong beneath a protocol that uses the session itself.
  func observe(_ error: HTTPError, phase: Phase.Name, _ context: ProbeContext, _ log: ConversationLog) {
    log.observe(http: error, first.bytes, phase: phase, context)
  }

  static func words(_ response: HTTPResponse) -> String {
    let type = response.fields["Content-Type"].map { ", \($0.prefix(60))" } ?? ""
    let server = response.fields["Server"].map { ", from \($0.prefix(60))" } ?? ""
    return "status \(response.status), \(response.body.count) bytes\(type)\(server)"
  }

  private static func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}

extension HTTPResponse {
  /// A page for people where none was asked for.
  var isWebPage: Bool {
    let type = fields["Content-Type"]?.lowercased() ?? ""
    let start = body.drop { $0 == 0x20 || (0x09...0x0d).contains($0) }.prefix(15).map { $0 | 0x20 }
    return type.hasPrefix("text/html") || start.starts(with: Array("<!doctype html".utf8))
      || start.starts(with: Array("<html".utf8))
  }

  var isRedirect: Bool { [301, 302, 303, 307, 308].contains(status) }
}

extension ConversationLog {
  /// Records why there was no response.
  ///
  /// - Parameter first: what came first from the peer.
  func observe(http error: any Error, _ first: [UInt8], phase: Phase.Name, _ context: ProbeContext) {
    guard let error = error as? HTTPError else {
      return observe(error is CancellationError ? .deadline(phase) : .systemError("\(error)"))
    }
    switch error.code {
    case .timedOut:
      observe(
        context.patience() < ProbeContext.leastTellingWait
          ? .deadline(phase) : .silenceAfterData(seconds: ProbeContext.answerPatience / .seconds(1)))
    case .cancelled, .shutDown: observe(.deadline(phase))
    case .reset: observe(.resetAfterData(received: first.count))
    case .closedEarly: observe(.closedAfterData(received: first.count))
    case .malformedResponse, .tooLarge:
      if first.isEmpty {
        observe(.wrongAnswer(recognised: nil, summary: error.message))
      } else {
        observeWrongAnswer(first)
      }
    case .proxyAuthenticationRequired: observe(refusal: error.refusal)
    case .proxyForbidden, .proxyFailed:
      if let refusal = error.refusal {
        observe(.proxyRefused(status: refusal.status))
      } else {
        observe(.wrongAnswer(recognised: nil, summary: error.message))
      }
    case .untrusted, .badRequest, .nameNotFound, .refused, .unreachable, .badRedirect:
      observe(.systemError(error.message))
    }
  }

  /// A proxy that has no use for Basic has not looked at what was offered.
  private func observe(refusal: ProxyRefusal?) {
    let schemes = refusal?.schemes ?? []
    if let refusal, refusal.hadCredentials, schemes.isEmpty || schemes.contains(where: { $0.lowercased() == "basic" }) {
      observe(.proxyCredentialsRefused(status: refusal.status, schemes: schemes))
    } else {
      observe(.proxyAuthenticationRequired(schemes: schemes))
    }
  }

  /// Compares a `Date` field with this machine's clock (RFC 9110 6.6.1); it has whole seconds, so that less than two say
  /// nothing.
  func observeDate(_ response: HTTPResponse, _ context: ProbeContext) {
    guard let date = response.fields["Date"].flatMap(HTTPDate.seconds) else { return }
    let skew = Double(date) - context.now().timeIntervalSince1970
    if abs(skew) >= 2 { observe(.clockSkew(seconds: skew.rounded(), source: "the web server's Date field")) }
  }
}

/// Remembers what a peer sent first, for a peer that turns out to speak something else.
final class FirstBytes: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  private static let limit = 128
  private let state = Mutex<[UInt8]>([])

  var bytes: [UInt8] { state.withLock { $0 } }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let view = unwrapInboundIn(data).readableBytesView
    state.withLock { if $0.count < Self.limit { $0 += view.prefix(Self.limit - $0.count) } }
    context.fireChannelRead(data)
  }
}
