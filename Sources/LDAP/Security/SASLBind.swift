// SPDX-License-Identifier: Apache-2.0

import Wire

/// SASL mechanisms that carry GSS tokens.
enum SASLMechanism: String {
  /// MS-ADTS 5.1.1.1.3: SPNEGO; what the context negotiated holds, there is no further exchange.
  case spnego = "GSS-SPNEGO"
}

extension Link {
  /// The most rounds of a handshake: Kerberos needs one or two, SPNEGO one more for its checksum.
  private static let maximumRounds = 8

  /// Signs in by exchanging the context's tokens in bind requests (RFC 4511 4.2, RFC 4422).
  func bind(_ context: any SecurityContext, _ mechanism: SASLMechanism) async throws {
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
      if answer.result.code == .success {
        // Without the server's last token it has not proved its own identity.
        if !isComplete, try reply.isEmpty || context.step(reply) != .complete {
          throw unfinished("accepted the sign-in without proving its own identity")
        }
        return
      }
      if isComplete, reply.isEmpty { throw unfinished("wants more of a sign-in that is complete") }
      step = try context.step(reply)
    }
    throw unfinished("did not finish the sign-in in \(Self.maximumRounds) rounds")
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
