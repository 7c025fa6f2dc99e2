// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import HTTP
package import NIOCore
package import Wire

/// One connection to a WS-Management service over HTTP (port 5985): the security context belongs to the connection
/// (MS-WSMV 2.2.9.1), so that both live and end together.
package actor WSManagementSession {
  /// MS-WSMV 2.1: the service's path, and the one for whoever has not signed in.
  package static let path = "/wsman"
  package static let anonymousPath = "/wsman-anon/identify"
  /// Legs of a handshake; SPNEGO with Kerberos takes one or two.
  static let maximumLegs = 6
  /// Bytes of an answer to whoever has not signed in.
  static let maximumAnonymousAnswer = 64 << 10

  private let session: HTTPSession
  private let url: HTTPURL
  private let deadline: TimeAmount
  private var context: (any SecurityContext)?

  /// - Parameters:
  ///   - session: a new connection to the service.
  ///   - url: `http://host:5985/`.
  ///   - deadline: for each request.
  package init(_ session: HTTPSession, to url: HTTPURL, deadline: TimeAmount = HTTPRequest.defaultDeadline) {
    self.session = session
    self.url = url
    self.deadline = deadline
  }

  // MARK: Before signing in

  /// Asks the service what it is, without signing in (DSP0226 11; MS-WSMV 3.1.4.1.23).
  package func identifyAnonymously() async throws(WSManagementError) -> IdentifyResponse {
    let response = try await send(
      Self.anonymousPath, ["WSMANIDENTIFY": "unauthenticated", "Content-Type": SOAPEnvelope.contentType],
      Identify.request)
    try Self.check(response)
    return try IdentifyResponse(response.body)
  }

  /// The schemes that the service signs in with (RFC 9110 11.6.1), asked for by a request without credentials.
  ///
  /// - Throws: ``WSManagementError`` with code `negotiateNotOffered` when Negotiate and Kerberos are not among them.
  package func offeredSchemes() async throws(WSManagementError) -> [String] {
    let response = try await send(Self.path, ["Content-Type": SOAPEnvelope.contentType], [])
    guard response.status == 401 else {
      try Self.check(response)
      throw WSManagementError(
        .unexpectedStatus, "The service asks for no credentials: it answered \(response.status).",
        status: response.status)
    }
    let schemes = AuthenticationChallenge.all("WWW-Authenticate", in: response.fields).map(\.scheme)
    guard schemes.contains(where: { ["negotiate", "kerberos"].contains($0.lowercased()) }) else {
      var error = WSManagementError(
        .negotiateNotOffered,
        "The service offers \(schemes.isEmpty ? "no way to sign in" : schemes.joined(separator: ", ")), not Negotiate.",
        status: 401)
      error.schemes = schemes
      throw error
    }
    return schemes
  }

  // MARK: Signing in

  /// Carries a handshake (RFC 4559 4, with empty bodies) until both sides have proved who they are.
  package func authenticate(_ context: any SecurityContext) async throws {
    guard self.context == nil else { throw WSManagementError(.refused, "The connection is signed in already.") }
    var step = try context.step(nil)
    for _ in 0..<Self.maximumLegs {
      let token: [UInt8]
      var mustAnswer = false
      switch step {
      case .send(let next): (token, mustAnswer) = (next, true)
      case .sendAndComplete(let last): token = last
      case .complete: return try adopt(context)
      }
      let response = try await send(
        Self.path, ["Authorization": "Negotiate \(Data(token).base64EncodedString())"], [])
      let answer = AuthenticationChallenge.all("WWW-Authenticate", in: response.fields)
        .first { $0.isScheme("Negotiate") }?.token.flatMap { Data(base64Encoded: $0) }.map { Array($0) }
      switch (response.status, answer) {
      case (200..<300, let answer?) where mustAnswer: step = try context.step(answer)
      case (200..<300, nil) where !mustAnswer: return try adopt(context)
      case (401, let answer?) where mustAnswer: step = try context.step(answer)
      case (401, _): throw WSManagementError(.refused, "The service refused the sign-in (401).", status: 401)
      case (200..<300, _):
        throw WSManagementError(
          .unprotected, "The service accepted the sign-in without proving its own identity.", status: response.status)
      default:
        try Self.check(response)
      }
      guard session.isOpen else {
        throw WSManagementError(
          .refused, "The connection was closed in the middle of the sign-in.",
          remedy: "Look for a proxy or balancer that does not keep connections.")
      }
    }
    throw WSManagementError(.refused, "The sign-in did not come to an end.")
  }

  private func adopt(_ context: any SecurityContext) throws(WSManagementError) {
    guard context.protection == .confidentiality else {
      throw WSManagementError(.unprotected, "The sign-in ended without encryption.")
    }
    self.context = context
  }

  // MARK: Signed in

  /// Asks the service what it is, sealed.
  package func identify() async throws(WSManagementError) -> IdentifyResponse {
    try IdentifyResponse(await invoke(Identify.request))
  }

  /// Sends a SOAP message, sealed, and opens its answer.
  private func invoke(_ message: [UInt8]) async throws(WSManagementError) -> [UInt8] {
    guard let context else { throw WSManagementError(.unprotected, "Nothing is sent before the sign-in.") }
    let scheme = EncryptedMessage.Scheme.negotiate
    let sealed = try EncryptedMessage(sealing: message, scheme: scheme, context)
    let response = try await send(
      Self.path, ["Content-Type": EncryptedMessage.contentType(scheme)], sealed.bytes)
    guard EncryptedMessage.isAnnounced(by: response.fields["Content-Type"]) else {
      try Self.check(response)
      throw WSManagementError(
        .unprotected, "The service answered \(response.status) without sealing its answer.", status: response.status)
    }
    // A fault is sealed, too, and comes with status 500: the message inside says more.
    return try EncryptedMessage(response.body).opened(context)
  }

  private func send(
    _ path: String, _ fields: HTTPFields, _ body: [UInt8]
  ) async throws(WSManagementError) -> HTTPResponse {
    do throws(HTTPError) {
      var request = HTTPRequest("POST", try url.with(target: path), fields: fields, body: body)
      request.deadline = deadline
      request.maximumResponseBytes = context == nil ? Self.maximumAnonymousAnswer : 2 * EncryptedMessage.maximumBytes
      return try await session.send(request)
    } catch {
      throw WSManagementError(error)
    }
  }

  private static func check(_ response: HTTPResponse) throws(WSManagementError) {
    switch response.status {
    case 200..<300: return
    case 401: throw WSManagementError(.refused, "The service asks for credentials (401).", status: 401)
    case 403: throw WSManagementError(.denied, "The service refuses access (403).", status: 403)
    case 503:
      throw WSManagementError(
        .unavailable, "The server's HTTP service answers, WinRM behind it does not (503).", status: 503)
    default:
      throw WSManagementError(
        .unexpectedStatus, "The service answered with the HTTP status \(response.status).", status: response.status)
    }
  }
}
