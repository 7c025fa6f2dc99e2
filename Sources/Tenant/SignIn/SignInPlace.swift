// SPDX-License-Identifier: Apache-2.0

import WebIdentity

/// The table of all places below `/<tenant>`, where the tenant is its initial domain. Clients of Entra ID (MSAL) look for the
/// discovery document under `/v2.0`; everything else they learn from it.
enum SignInPlace: String, CaseIterable, Sendable {
  case metadata = "/.well-known/openid-configuration"
  case metadataV2 = "/v2.0/.well-known/openid-configuration"
  case keys = "/discovery/v2.0/keys"
  case authorize = "/oauth2/v2.0/authorize"
  case token = "/oauth2/v2.0/token"
  case deviceAuthorization = "/oauth2/v2.0/devicecode"
  case revocation = "/oauth2/v2.0/revoke"
  case endSession = "/oauth2/v2.0/logout"
  case userInfo = "/oidc/userinfo"
  /// Where a person enters a device's code.
  case device = "/device"
  /// Where the sign-in page sends its form; the query is the request that waits for it.
  case signInToAuthorize = "/signin/authorize"
  case signInToDevice = "/signin/device"
  /// Where Kerberos tickets are taken, at a host of its own (``SignInService/ticketHost(of:)``).
  case autologon = "/autologon"
  /// WS-Trust for native clients, at the same host: version 1.3 and that of 2005.
  case windowsTransport = "/winauth/trust/13/windowstransport"
  case windowsTransport2005 = "/winauth/trust/2005/windowstransport"
  /// Which of them there are.
  case metadataExchange = "/winauth/trust/mex"
  /// How people of a name sign in; the name follows, and `/common` may stand for the tenant.
  case userRealm = "/userrealm"
  /// Where what came of a ticket is redeemed.
  case redeemTicket = "/signin/ticket"
  /// Where people change their passwords.
  case password = "/password"
  /// The same at sign-in; the query is the request that waits for it.
  case passwordToAuthorize = "/password/authorize"
  case passwordToDevice = "/password/device"
  /// With a link of an administrator's.
  case passwordReset = "/password/reset"
  /// What became of a request that had no answer while the person waited.
  case passwordOutcome = "/password/outcome"
  case styleSheet = "/assets/style.css"
  case script = "/assets/continue.js"

  /// How a refusal is told, and what the pipeline asks for.
  enum Kind {
    /// JSON for programs.
    case machine
    /// A page, which other sites may lead to.
    case page
    /// A page whose forms act for the person: they must come from this site.
    case form
  }

  var kind: Kind {
    switch self {
    case .metadata, .metadataV2, .keys, .token, .deviceAuthorization, .revocation, .userInfo, .windowsTransport,
      .windowsTransport2005, .metadataExchange, .userRealm:
      .machine
    case .authorize, .endSession, .autologon, .redeemTicket, .passwordOutcome, .styleSheet, .script: .page
    case .device, .signInToAuthorize, .signInToDevice, .password, .passwordToAuthorize, .passwordToDevice,
      .passwordReset:
      .form
    }
  }

  var methods: [String] {
    switch self {
    case .metadata, .metadataV2, .keys, .metadataExchange, .userRealm, .styleSheet, .script: ["GET", "HEAD"]
    case .autologon, .redeemTicket, .passwordOutcome: ["GET"]
    case .token, .deviceAuthorization, .revocation, .windowsTransport, .windowsTransport2005, .signInToAuthorize,
      .signInToDevice, .passwordToAuthorize, .passwordToDevice:
      ["POST"]
    case .authorize, .endSession, .userInfo, .device, .password, .passwordReset: ["GET", "POST"]
    }
  }

  /// Whether it is at the host that takes tickets, or at the tenant's own.
  func isServed(atTicketHost: Bool) -> Bool {
    switch self {
    case .autologon, .windowsTransport, .windowsTransport2005, .metadataExchange: atTicketHost
    case .styleSheet: true
    default: !atTicketHost
    }
  }

  var takesXML: Bool { [.windowsTransport, .windowsTransport2005].contains(self) }

  /// What a body has to be.
  var mediaType: String { takesXML ? "application/soap+xml" : "application/x-www-form-urlencoded" }

  /// The place of a path, without the tenant's own part; and what follows, for the one place that something follows.
  static func find(_ path: Substring) -> (place: SignInPlace, target: String?)? {
    let realm = userRealm.rawValue + "/"
    if path.hasPrefix(realm) { return (.userRealm, String(path.dropFirst(realm.count))) }
    return allCases.first { $0.rawValue == path && $0 != .userRealm }.map { ($0, nil) }
  }

  init(_ endpoint: ProviderEndpoint) {
    switch endpoint {
    case .authorize: self = .authorize
    case .token: self = .token
    case .deviceAuthorization: self = .deviceAuthorization
    case .userInfo: self = .userInfo
    case .endSession: self = .endSession
    case .revocation: self = .revocation
    case .keys: self = .keys
    }
  }
}
