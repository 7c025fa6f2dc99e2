// SPDX-License-Identifier: Apache-2.0

import WebIdentity
import WebPages

/// The device authorization grant (RFC 8628): the endpoint for the device, and the page for the person.
extension SignInService {
  func authorizeDevice(_ call: SignInCall) async throws -> TenantAnswer {
    let application = try await client(of: call, allowing: .deviceCode)
    let scopes = try await scopes(call.form.list("scope"), for: application)
    guard scopes.contains("openid") else { throw OAuthError(.invalidScope, "The scope must contain openid.") }
    let (device, user) = try await directory.requestDevice(application, scopes: scopes)
    return .json(
      DeviceAuthorizationResponse(
        deviceCode: device, userCode: user.shown, verificationURI: call.url(.device),
        expiresIn: SignInLifetime.deviceCode, interval: SignInLifetime.deviceInterval))
  }

  func device(_ call: SignInCall) async throws -> TenantAnswer {
    guard let session = try await session(call) else { return deviceSignInPage(call, links: try await links(call)) }
    let typed = (call.method == "POST" ? call.sent : call.query)[SignInPages.userCodeField] ?? ""
    let form = form(call, to: .device)
    // A code in the link fills the field; the person still has to compare and to send it (RFC 8628 3.3.1, 5.4).
    guard call.method == "POST" else { return pages(call).device(form, code: String(typed.prefix(64))) }
    guard call.isGenuine else {
      return pages(call).device(
        form, code: String(typed.prefix(64)), error: ErrorSummary("The page was open for too long. Try again."))
    }
    guard let request = try await waiting(typed, call) else {
      return pages(call).device(
        form, code: String(typed.prefix(64)),
        error: ErrorSummary(
          "No device waits with this code. Compare it with the device, or start again there.",
          field: SignInPages.userCodeField))
    }
    switch call.form["decision"] {
    case "allow", "deny":
      let isAllowed = call.form["decision"] == "allow"
      let grant = TokenGrant(
        application: request.application, session: session, scopes: request.scopes, nonce: nil, at: call.now,
        random: directory.environment.random)
      let isDecided = try await directory.decide(request, grant: isAllowed ? grant : nil, by: session)
      return pages(call).deviceDone(isAllowed: isAllowed && isDecided)
    default:
      return pages(call).confirmDevice(
        form, code: request.code, application: request.application.name, user: session.userName)
    }
  }

  /// Guessing is counted: somebody who is signed in could otherwise try codes for as long as they like.
  private func waiting(_ typed: String, _ call: SignInCall) async throws -> DeviceRequest? {
    guard let code = UserCode(typed: typed) else { return nil }
    if let request = try await directory.device(waitingWith: code) {
      return guardian.isOpen(source: call.source, at: call.now) ? request : nil
    }
    guardian.fail(source: call.source, at: call.now)
    return nil
  }
}
