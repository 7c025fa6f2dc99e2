// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Kerberos
import WebIdentity

/// WS-Trust 1.3 for native clients that hold a Kerberos ticket: the ticket in the HTTP request, a token in the answer.
extension SignInService {
  private static let prefix = "api://"

  /// The ticket is asked for once; one that is refused is answered by a fault, not by another question.
  func windowsTransport(_ call: SignInCall) async throws -> TenantAnswer {
    guard let authorization = call.authorization else {
      return TenantAnswer(status: 401).with("www-authenticate", "Negotiate")
    }
    do {
      guard let accepted = try await accept(authorization, call), let user = accepted.user else {
        throw WSTrustFault(.failedAuthentication, "The ticket was refused.")
      }
      let request = try SecurityTokenRequest(call.body)
      let answer = Self.soap(try await issue(request, to: user, call).xml)
      guard !accepted.client.answer.isEmpty else { return answer }
      return answer.with("www-authenticate", "Negotiate " + Data(accepted.client.answer).base64EncodedString())
    } catch let fault as WSTrustFault {
      return Self.soap(fault.xml, status: fault.status)
    }
  }

  /// An access token for the application that the request names, when that may be asked for in this way.
  private func issue(
    _ request: SecurityTokenRequest, to user: VerifiedUser, _ call: SignInCall
  ) async throws -> SecurityTokenResponse {
    let name = request.appliesTo
    let id = name.hasPrefix(Self.prefix) ? String(name.dropFirst(Self.prefix.count)) : name
    guard let application = try await directory.application(id), application.grants.contains(.windowsTransport) else {
      throw WSTrustFault(
        .requestFailed, "AppliesTo is no application with the grant \(Application.Grant.windowsTransport.rawValue).")
    }
    let issued = Int(call.now.timeIntervalSince1970)
    let token = try await keyring.current().sign(
      AccessClaims(
        issuer: call.issuer, subject: user.id, audience: application.id, client: application.id,
        expires: issued + SignInLifetime.accessToken, issued: issued,
        identifier: Identifier.make(directory.environment.random), scope: "", grant: nil), type: .access)
    return SecurityTokenResponse(
      token: token, appliesTo: name, created: Date(timeIntervalSince1970: Double(issued)),
      expires: Date(timeIntervalSince1970: Double(issued + SignInLifetime.accessToken)), messageID: request.messageID)
  }

  private static func soap(_ text: String, status: Int = 200) -> TenantAnswer {
    var answer = TenantAnswer(status: status)
    answer.headers = [("content-type", SecurityTokenResponse.mediaType)]
    answer.body = Array(text.utf8)
    return answer
  }
}
