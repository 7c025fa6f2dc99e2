// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import Kerberos
import Logging
import WebIdentity
import Wire

/// Signing in with a Kerberos ticket (RFC 4559), without typing anything.
///
/// 1. The authorization endpoint sends a browser that is known to have tickets, or whose application asks for it by
///    `domain_hint`, to the ticket host: `autologon.` before the tenant's own name. A cookie and its hash bind what comes back.
/// 2. The ticket host asks once for a ticket (401). A browser that has none shows the page of that answer, which leads back.
/// 3. A ticket becomes a code for one use within a minute; whatever else was sent leads back, without a second question.
/// 4. The tenant's own host turns the code into a session, in the browser that has the cookie, and goes on as usual.
///
/// The way back says `autologon=no`: then nothing is tried again.
extension SignInService {
  private static let choice = "autologon"
  private static let binding = "autologon_binding"
  private static let code = "autologon_code"
  /// Longer requests are answered by the page: their addresses would not fit.
  private static let requestBytes = 8 << 10

  /// `autologon.` and the host of the tenant's address: the host that tickets are for.
  static func ticketHost(of origin: String) -> String {
    let authority = origin.split(separator: "/").last ?? ""
    guard let colon = authority.lastIndex(of: ":"), authority[colon...].dropFirst().allSatisfy(\.isNumber) else {
      return "autologon.\(authority.lowercased())"
    }
    return "autologon.\(authority[..<colon].lowercased())"
  }

  /// The service principal that tickets have to be made for.
  static func ticketService(of origin: String) -> String { "HTTP/" + ticketHost(of: origin) }

  static func isTicketHost(_ authority: String?, _ origin: String) -> Bool {
    guard let host = authority?.split(separator: ":").first else { return false }
    return host.lowercased() == ticketHost(of: origin)
  }

  // MARK: At the tenant's own host

  /// The detour of step 1; nil where the page is the answer.
  func ticketDetour(_ asked: Asked, _ request: AuthorizationRequest, _ call: SignInCall) async throws -> TenantAnswer? {
    guard takesTickets(asked, request), asked.parameters[Self.choice] != "no" else { return nil }
    var isWanted = asked.parameters[Self.choice] == "yes" || SignInCookie.tickets.value(in: call.cookies) == "yes"
    if !isWanted, let hint = asked.parameters["domain_hint"] {
      isWanted = try await directory.domains().contains { $0.verified != nil && $0.name == hint.lowercased() }
    }
    guard isWanted, try await hasKeys() else { return nil }
    let cookie = FormToken.cookie(
      SignInCookie.autologon.value(in: call.cookies), random: directory.environment.random)
    let target = ticketOrigin(call) + call.path(.autologon)
    return .redirect(to: "\(target)?\(text(asked, [(Self.binding, Self.hash(cookie))]))")
      .with(cookie: SignInCookie.autologon.set(cookie))
  }

  /// What the sign-in page offers instead of a password; nil where tickets are no way in.
  func ticketLink(_ asked: Asked, _ request: AuthorizationRequest, _ call: SignInCall) async throws -> String? {
    guard takesTickets(asked, request), try await hasKeys() else { return nil }
    return "\(call.path(.authorize))?\(text(asked, [(Self.choice, "yes")]))"
  }

  /// Whether the page that is shown ends an attempt that failed.
  func hasTicketFailed(_ asked: Asked) -> Bool { asked.parameters[Self.choice] == "no" }

  /// Step 4.
  func redeemTicket(_ call: SignInCall) async throws -> TenantAnswer {
    let asked = try await asked(call.query, call.queryText)
    return try await answering(asked, call) { request in
      guard takesTickets(asked, request), let cookie = SignInCookie.autologon.value(in: call.cookies),
        let code = asked.parameters[Self.code],
        let user = try await directory.redeem(ticketCode: code, binding: Self.hash(cookie))
      else { return .redirect(to: wayBack(asked, call)) }
      let opened = try await directory.openSession(
        user, source: call.source, agent: call.agent, method: .ticket)
      return try await allow(asked, request, opened.session, call)
        .with(cookie: SignInCookie.session.set(opened.secret))
        .with(cookie: SignInCookie.tickets.set("yes", seconds: SignInLifetime.ticketMemory))
    }
  }

  // MARK: At the ticket host

  /// Steps 2 and 3.
  func autologon(_ call: SignInCall) async throws -> TenantAnswer {
    let asked = try await asked(call.query, call.queryText)
    guard let binding = asked.parameters[Self.binding], Base64URL.decode(binding)?.count == SHA256.byteCount else {
      throw OAuthError(.invalidRequest, "\(Self.binding) is missing or no hash.")
    }
    let back = wayBack(asked, call)
    guard let authorization = call.authorization else {
      return pages(call).askForTicket(elsewhere: back).with("www-authenticate", "Negotiate")
    }
    guard let accepted = try await accept(authorization, call), let user = accepted.user else {
      return .redirect(to: back)
    }
    let code = try await directory.makeTicketCode(user, binding: binding)
    let answer = TenantAnswer.redirect(
      to: "\(call.url(.redeemTicket))?\(text(asked, [(Self.code, code)]))")
    guard !accepted.client.answer.isEmpty else { return answer }
    return answer.with("www-authenticate", "Negotiate " + Data(accepted.client.answer).base64EncodedString())
  }

  /// Who sent this header field; nil when it proves nobody, for reasons that only the log is told.
  func accept(
    _ authorization: String, _ call: SignInCall
  ) async throws -> (client: AcceptedClient, user: VerifiedUser?)? {
    let parts = authorization.split(separator: " ", maxSplits: 1)
    var metadata: Logger.Metadata = ["request": "\(call.request)", "source": "\(call.source)"]
    do {
      guard parts.count == 2, parts[0].lowercased() == "negotiate",
        let token = Data(base64Encoded: parts[1].drop { $0 == " " }.description)
      else {
        throw SecurityError(
          .rejectedToken, "The Authorization field holds no Negotiate token.", remedy: "Check the client.")
      }
      let accepted = try await tickets.accept(Array(token), host: Self.ticketHost(of: call.origin))
      metadata["client"] = "\(accepted.client.name)"
      metadata["identifier"] = "\(accepted.client.identifier)"
      metadata["bound"] = "\(accepted.client.isChannelBound)"
      if accepted.user == nil {
        logger.notice("a ticket of nobody in this directory", metadata: metadata)
      } else {
        logger.info("signed in by ticket", metadata: metadata)
      }
      return accepted
    } catch let error as SecurityError {
      metadata["reason"] = "\(error.message)"
      metadata["remedy"] = "\(error.remedy)"
      logger.notice("a ticket was refused", metadata: metadata)
      return nil
    }
  }

  // MARK: Parts

  /// A person who has to prove themselves anew, or choose who to be, needs the page; a page that may not be shown cannot lead
  /// back.
  private func takesTickets(_ asked: Asked, _ request: AuthorizationRequest) -> Bool {
    request.prompts.isDisjoint(with: [.none, .login, .selectAccount]) && request.maximumAge == nil
      && asked.text.utf8.count <= Self.requestBytes
  }

  func hasKeys() async throws -> Bool { try await !directory.serviceKeys().isEmpty }

  private func wayBack(_ asked: Asked, _ call: SignInCall) -> String {
    "\(call.url(.authorize))?\(text(asked, [(Self.choice, "no")]))"
  }

  /// The request as it was asked, without what an earlier step added.
  private func text(_ asked: Asked, _ more: [(name: String, value: String)]) -> String {
    let own = asked.text.split(separator: "&").filter { !$0.hasPrefix(Self.choice) }.joined(separator: "&")
    return "\(own)&\(FormParameters.encode(more))"
  }

  func ticketOrigin(_ call: SignInCall) -> String {
    call.origin.split(separator: "//", maxSplits: 1).joined(separator: "//autologon.")
  }

  private static func hash(_ cookie: String) -> String {
    Base64URL.encode(Array(SHA256.hash(data: Array(cookie.utf8))))
  }
}
