// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Kerberos
import WebIdentity

/// Native clients that hold a Kerberos ticket:
///
/// 1. User realm discovery names the metadata exchange, which names the endpoint of each version of WS-Trust.
/// 2. The ticket, in the HTTP request, becomes an assertion: for one use within a minute, at this tenant's token endpoint.
/// 3. The token endpoint takes it with the grant type `saml1_1-bearer` and issues as for any other grant, with a session that
///    can be revoked.
extension SignInService {
  /// Whom clients of Entra ID want a token for; it stands for the tenant that is asked.
  private static let audience = "urn:federation:MicrosoftOnline"
  /// What a code of ``TenantDirectory/makeTicketCode(_:binding:)`` is bound to here: no browser's hash is it.
  private static let binding = "saml1_1-bearer"

  // MARK: Finding the way

  /// Where people of a name sign in. It says nothing of the person: only their domain is looked at.
  func userRealm(_ call: SignInCall) async throws -> TenantAnswer {
    let name = call.target.flatMap { FormParameters.decode($0) } ?? ""
    let domain = name.split(separator: "@", omittingEmptySubsequences: false).last?.lowercased() ?? ""
    guard name.contains("@"), try await directory.domains().contains(where: { $0.verified != nil && $0.name == domain })
    else { return .json(UserRealm.unknown) }
    let host = String(call.origin.split(separator: "/").last ?? "")
    guard try await hasKeys() else { return .json(UserRealm(managed: domain, host: host, audience: Self.audience)) }
    return .json(
      UserRealm(
        tickets: domain, host: host, audience: Self.audience,
        metadata: ticketOrigin(call) + call.path(.metadataExchange),
        endpoint: ticketOrigin(call) + call.path(.windowsTransport2005)))
  }

  func metadataExchange(_ call: SignInCall) -> TenantAnswer {
    let (newer, older) = (call.path(.windowsTransport), call.path(.windowsTransport2005))
    let origin = ticketOrigin(call)
    let document = MetadataExchange { version in
      switch version {
      case .oasis13: origin + newer
      case .february2005: origin + older
      }
    }
    return Self.xml(document.xml, type: MetadataExchange.mediaType)
  }

  // MARK: From a ticket to an assertion

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
      guard [Self.audience, call.issuer].contains(request.appliesTo) else {
        throw WSTrustFault(.requestFailed, "AppliesTo must be \(Self.audience) or \(call.issuer).")
      }
      let assertion = TicketAssertion(
        token: try await directory.makeTicketCode(user, binding: Self.binding), issuer: call.issuer,
        audience: request.appliesTo, identifier: Identifier.make(directory.environment.random), created: call.now,
        expires: call.now.addingTimeInterval(Double(SignInLifetime.code)))
      let answer = Self.xml(SecurityTokenResponse(to: request, assertion: assertion).xml)
      guard !accepted.client.answer.isEmpty else { return answer }
      return answer.with("www-authenticate", "Negotiate " + Data(accepted.client.answer).base64EncodedString())
    } catch let fault as WSTrustFault {
      return Self.xml(fault.xml, status: fault.status)
    }
  }

  private static func xml(
    _ text: String, status: Int = 200, type: String = SecurityTokenResponse.mediaType
  ) -> TenantAnswer {
    var answer = TenantAnswer(status: status)
    answer.headers = [("content-type", type)]
    answer.body = Array(text.utf8)
    return answer
  }

  // MARK: From an assertion to tokens

  /// The grant of an assertion (RFC 7521 4.1): what the application asks for, as the person of the ticket.
  func redeemAssertion(_ call: SignInCall, _ application: Application) async throws -> Redemption {
    let parameter = try call.form.require("assertion")
    // Before the assertion is spent.
    let scopes = try await scopes(call.form.list("scope"), for: application)
    guard scopes.contains("openid") else { throw OAuthError(.invalidScope, "The scope must contain openid.") }
    guard let token = TicketAssertion.token(inParameter: parameter),
      let user = try await directory.redeem(ticketCode: token, binding: Self.binding)
    else { return .refused }
    let opened = try await directory.openSession(user, source: call.source, agent: call.agent, method: .ticket)
    let grant = TokenGrant(
      application: application, session: opened.session, scopes: scopes, nonce: nil, at: call.now,
      random: directory.environment.random)
    return .accepted(grant, refreshToken: try await directory.begin(grant, for: application))
  }
}

/// The answer of user realm discovery, as clients of Entra ID read it.
private struct UserRealm: Encodable {
  let version = "1.0"
  let accountType: String
  var domain: String?
  var host: String?
  var audience: String?
  var protocolName: String?
  var metadata: String?
  var endpoint: String?

  static let unknown = UserRealm(accountType: "Unknown")

  private init(accountType: String) { self.accountType = accountType }

  init(managed domain: String, host: String, audience: String) {
    self.init(accountType: "Managed")
    self.domain = domain
    self.host = host
    self.audience = audience
  }

  /// Clients look for an endpoint for tickets only where they are told of a federation.
  init(tickets domain: String, host: String, audience: String, metadata: String, endpoint: String) {
    self.init(accountType: "Federated")
    self.domain = domain
    self.host = host
    self.audience = audience
    protocolName = "WSTrust"
    self.metadata = metadata
    self.endpoint = endpoint
  }

  private enum CodingKeys: String, CodingKey {
    case version = "ver"
    case accountType = "account_type"
    case domain = "domain_name"
    case host = "cloud_instance_name"
    case audience = "cloud_audience_urn"
    case protocolName = "federation_protocol"
    case metadata = "federation_metadata_url"
    case endpoint = "federation_active_auth_url"
  }
}
