// SPDX-License-Identifier: Apache-2.0

import CKerberos
import Glibc
package import Wire

/// What a server of RFC 3244 answered.
package enum PasswordChangeAnswer: Sendable, Equatable {
  case changed
  /// `KRB5_KPASSWD_SOFTERROR`: the policy does not allow the password.
  case refusedByPolicy
  case refused(code: Int32, text: String)
}

extension KerberosProvider {
  /// Changes the client's own password (RFC 3244), with the present one as its credentials. It works when that one has
  /// expired, too.
  ///
  /// libkrb5 carries this message itself, to ``KerberosConfiguration/passwordServer`` only; it blocks this actor's thread.
  /// - Throws: ``PasswordChangeError`` with the cause, and whether the message may have been sent; `CancellationError`.
  package func changePassword(to new: SecretBytes) async throws -> PasswordChangeAnswer {
    let ticket: Credentials
    do {
      var known = [configuration.realm: try await addresses(of: configuration.realm)]
      let exchange = try InitialExchange(
        library, client: client, isEnterprise: false, source: credentials, configuration: configuration,
        service: "kadmin/changepw")
      try await conduct(exchange, .initialTicket(client: client.name, fromKeytab: false), &known)
      ticket = try exchange.credentials()
      guard new.withBytes({ !$0.isEmpty && !$0.contains(0) }) else { return .refusedByPolicy }
    } catch let error as SecurityError {
      throw PasswordChangeError(cause: error, wasSent: false)
    }
    return try PasswordChangeMessage(library: library, client: client.name, ticket: ticket).send(new)
  }
}

/// The message of RFC 3244 with its ticket.
private struct PasswordChangeMessage {
  let library: KerberosLibrary
  let client: String
  let ticket: Credentials

  func send(_ new: SecretBytes) throws(PasswordChangeError) -> PasswordChangeAnswer {
    var result: Int32 = 0
    var codeText = krb5_data()
    var text = krb5_data()
    defer {
      krb5_free_data_contents(library.context, &codeText)
      krb5_free_data_contents(library.context, &text)
    }
    var raw = ticket.raw
    let code = new.withCString { password in
      krb5_change_password(
        library.context, &raw, password, &result, &codeText, &text)
    }
    guard code == 0 else {
      throw PasswordChangeError(
        cause: SecurityError(
          .internalFailure, "The change of the password of \(client) failed: \(library.text(code)).",
          remedy: "Check that port 464, tcp and udp, of the domain controller is open."), wasSent: true)
    }
    switch result {
    case 0: return .changed
    // RFC 3244 2: KRB5_KPASSWD_SOFTERROR.
    case 4: return .refusedByPolicy
    default: return .refused(code: result, text: Self.text(codeText))
    }
  }

  private static func text(_ data: krb5_data) -> String {
    guard let start = data.data else { return "" }
    return String(decoding: UnsafeRawBufferPointer(start: start, count: min(256, Int(data.length))), as: UTF8.self)
  }
}

/// Why a password was not changed, or not certainly.
package struct PasswordChangeError: Error, Sendable {
  package var cause: SecurityError
  /// Whether the change may have been made all the same.
  package var wasSent: Bool
}
