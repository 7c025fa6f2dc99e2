// SPDX-License-Identifier: Apache-2.0

import HTTP
import NIOCore
package import PortReference
import WSManagement
import Wire

/// WinRM on 5985: Identify without signing in; with credentials, a sealed Identify under Kerberos.
package struct WinRMProber: Prober {
  package let row: RowID
  package let transport = Transport.tcp
  package let specification = "DSP0226 11, MS-WSMV 2.2.9.1, 3.1.4.1.23"

  package static let activeDirectory = WinRMProber(row: .connectADWinRM)
  package static let federation = WinRMProber(row: .connectFederationWinRM)

  package func requiredDepth(withCredentials: Bool) -> Depth { withCredentials ? .operation : .service }

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let web = await WebConnection.open(.http, target, context, log) else { return }
    defer { web.close() }
    let service = session(web, context)
    do {
      let what = try await log.phase(.request, sent: "POST \(WSManagementSession.anonymousPath): Identify") {
        let response = try await service.identifyAnonymously()
        return (response, received: "\(response.productVendor), \(response.productVersion)")
      }
      log.reached(.service)
      log.observe(.note("WinRM of \(what.productVendor), \(what.productVersion)"))
    } catch {
      return observe(error, web, phase: .request, context, log)
    }
    guard let schemes = await offered(service, web, target, context, log) else { return }
    guard let credentials = context.credentials else { return }
    // After its 401 a server may have ended the connection; a context needs one of its own anyhow.
    guard let fresh = await WebConnection.open(.http, target, context, log, phase: .authenticate) else { return }
    defer { fresh.close() }
    let signedIn = session(fresh, context)
    do {
      try await log.phase(.authenticate, sent: "sign-in by \(schemes.joined(separator: ", ")) (Kerberos only)") {
        let principal = ServicePrincipal(service: "HTTP", host: target.serverName)
        let security = try await credentials.initiate(principal, SecurityParameters(mechanism: .spnego))
        try await signedIn.authenticate(security)
        return ((), received: security.summary)
      }
      log.reached(.authenticated)
      try await log.phase(.operation, sent: "Identify, sealed") {
        let response = try await signedIn.identify()
        return ((), received: "\(response.productVendor), \(response.productVersion), sealed")
      }
      log.reached(.operation)
    } catch {
      observe(error, fresh, phase: .authenticate, context, log)
    }
  }

  private func session(_ web: WebConnection, _ context: ProbeContext) -> WSManagementSession {
    WSManagementSession(web.session, to: web.url, deadline: TimeAmount(context.patience()))
  }

  /// The schemes of the sign-in; nil when Kerberos is not among them, or the service does not say.
  private func offered(
    _ service: WSManagementSession, _ web: WebConnection, _ target: ProbeTarget, _ context: ProbeContext,
    _ log: ConversationLog
  ) async -> [String]? {
    var challenger = service
    var reopened: WebConnection?
    if !web.session.isOpen {
      guard let again = await WebConnection.open(.http, target, context, log, phase: .negotiate) else { return nil }
      reopened = again
      challenger = session(again, context)
    }
    defer { reopened?.close() }
    do {
      let asked = challenger
      return try await log.phase(.negotiate, sent: "POST \(WSManagementSession.path) without credentials") {
        let schemes = try await asked.offeredSchemes()
        return (schemes, received: "401, \(schemes.joined(separator: ", "))")
      }
    } catch {
      observe(error, reopened ?? web, phase: .negotiate, context, log)
      return nil
    }
  }

  private func observe(
    _ error: any Error, _ web: WebConnection, phase: Phase.Name, _ context: ProbeContext, _ log: ConversationLog
  ) {
    guard let error = error as? WSManagementError else { return log.observeSignIn(error, phase: phase, context) }
    switch error.code {
    case .transport:
      if let transport = error.transport { web.observe(transport, phase: phase, context, log) }
    case .unavailable: log.observe(.serviceUnavailable(error.message))
    case .negotiateNotOffered: log.observe(.noNegotiate(schemes: error.schemes))
    case .refused where phase == .authenticate:
      log.observe(.authenticationRefused(code: error.identifier, reason: error.message))
    case .denied where phase == .authenticate: log.observe(.permissionDenied(error.message))
    // A web server that does not know WinRM's paths, or a page in its place.
    case .unexpectedStatus, .malformed, .refused, .denied:
      log.observe(.wrongAnswer(recognised: "HTTP", summary: error.message))
    case .fault: log.observe(.serviceUnavailable(error.message))
    case .unprotected: log.observe(.permissionDenied(error.message))
    }
  }
}
