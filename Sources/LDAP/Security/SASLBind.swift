// SPDX-License-Identifier: Apache-2.0

import Wire

/// SASL mechanisms that carry GSS tokens.
package enum SASLMechanism: String, Sendable {
  /// MS-ADTS 5.1.1.1.3: SPNEGO; what the context negotiated holds, there is no further exchange. Active Directory.
  case spnego = "GSS-SPNEGO"
  /// RFC 4752: Kerberos, then an agreement on the layer. Other directories.
  case gssapi = "GSSAPI"

  var contextMechanism: SecurityParameters.Mechanism { self == .spnego ? .spnego : .kerberos }
}

/// RFC 4752 3.1: the bits of the security layers.
enum SASLLayer: UInt8 {
  case none = 1
  case integrity = 2
  case confidentiality = 4
}

extension Link {
  /// The most rounds of a handshake: Kerberos needs one or two, SPNEGO one more for its checksum.
  private static let maximumRounds = 8

  /// Signs in by exchanging the context's tokens in bind requests (RFC 4511 4.2, RFC 4422).
  ///
  /// - Returns: the largest protected buffer that the server accepts.
  func bind(_ context: any SecurityContext, _ mechanism: SASLMechanism, layer: SASLLayer) async throws -> Int {
    var step = try context.step(nil)
    for _ in 0..<Self.maximumRounds {
      let (token, isComplete): ([UInt8], Bool) =
        switch step {
        case .send(let bytes): (bytes, false)
        case .sendAndComplete(let bytes): (bytes, true)
        case .complete: ([], true)
        }
      let answer = try await bind(.sasl(mechanism: mechanism.rawValue, credentials: token))
      let reply = answer.serverCredentials ?? []
      if mechanism == .gssapi, isComplete {
        return try await agree(on: layer, context, offer: answer)
      }
      if answer.result.code == .success {
        guard mechanism == .spnego else { throw unfinished("ended the sign-in before a layer was agreed") }
        // Without the server's last token it has not proved its own identity.
        if !isComplete, try reply.isEmpty || context.step(reply) != .complete {
          throw unfinished("accepted the sign-in without proving its own identity")
        }
        return options.limits.saslBufferSize
      }
      if isComplete, reply.isEmpty { throw unfinished("wants more of a sign-in that is complete") }
      step = try context.step(reply)
    }
    throw unfinished("did not finish the sign-in in \(Self.maximumRounds) rounds")
  }

  /// RFC 4752 3.1: the server offers layers and its buffer's size, in four octets; the client chooses one and tells its
  /// own. Both messages are signed.
  private func agree(on layer: SASLLayer, _ context: any SecurityContext, offer: BindResponse) async throws -> Int {
    guard offer.result.code == .saslBindInProgress, let token = offer.serverCredentials else {
      throw unfinished("ended the sign-in before a layer was agreed")
    }
    let offered = try context.unwrapSigned(token)
    guard offered.count == 4 else { throw unfinished("offered security layers in \(offered.count) octets") }
    guard offered[0] & layer.rawValue != 0 else {
      throw LDAPError(
        .weakProtection, "\(server) does not offer the protection that is required here.",
        remedy: "Allow sealing on the server, or use LDAPS.")
    }
    let maximumSent = offered[1...].reduce(0) { $0 << 8 | Int($1) }
    let received = layer == .none ? 0 : min(options.limits.saslBufferSize, LDAPLimits.standard.saslBufferSize)
    let choice = [layer.rawValue] + [16, 8, 0].map { UInt8(truncatingIfNeeded: received >> $0) }
    let answer = try await bind(
      .sasl(mechanism: SASLMechanism.gssapi.rawValue, credentials: try context.wrapSigned(choice)))
    guard answer.result.code == .success else { throw unfinished("wants more of a sign-in that is complete") }
    return maximumSent
  }

  /// A simple bind; the caller has made sure of TLS.
  func bind(name: String, password: SecretBytes) async throws {
    guard !name.isEmpty, password.count > 0 else {
      throw LDAPError(
        .badRequest, "A simple bind needs a name and a password.", remedy: "Configure both, or choose another sign-in.")
    }
    let answer = try await bind(.simple(password.withBytes { Array($0) }), name: name)
    guard answer.result.code == .success else { throw unfinished("answered a simple bind with a challenge") }
  }

  private func bind(_ authentication: BindRequest.Authentication, name: String = "") async throws -> BindResponse {
    let message = try await perform(.bindRequest(BindRequest(name: name, authentication: authentication)))
    guard case .bindResponse(let response) = message.operation else {
      throw LDAPError.protocolViolation(server.description, "another answer than BindResponse to a bind")
    }
    guard response.result.code == .success || response.result.code == .saslBindInProgress else {
      throw LDAPError(response.result, action: "Signing in", server: server.description)
    }
    return response
  }

  private func unfinished(_ what: String) -> LDAPError {
    .protocolViolation(server.description, "it \(what)")
  }
}
