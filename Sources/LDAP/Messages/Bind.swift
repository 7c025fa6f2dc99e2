// SPDX-License-Identifier: Apache-2.0

import Wire

/// RFC 4511 4.2:
///
///     BindRequest ::= [APPLICATION 0] SEQUENCE {
///          version         INTEGER (1 ..  127),
///          name            LDAPDN,
///          authentication  AuthenticationChoice }
///     AuthenticationChoice ::= CHOICE {
///          simple          [0] OCTET STRING,
///          sasl            [3] SaslCredentials }
///     SaslCredentials ::= SEQUENCE {
///          mechanism       LDAPString,
///          credentials     OCTET STRING OPTIONAL }
package struct BindRequest: Sendable, Hashable {
  /// AuthenticationChoice.
  package enum Authentication: Sendable, Hashable {
    case simple([UInt8])
    case sasl(mechanism: String, credentials: [UInt8]?)
  }

  package var name: String
  package var authentication: Authentication

  package init(name: String, authentication: Authentication) {
    self.name = name
    self.authentication = authentication
  }

  init(_ reader: inout BERReader) throws(ByteError) {
    let version = try reader.readCount()
    guard version == 3 else { throw .malformed(offset: reader.position, reason: "LDAP version \(version)") }
    name = try reader.readString()
    if reader.nextTag == BERTag.context(0) {
      authentication = .simple(Array(try reader.readOctetString(BERTag.context(0))))
    } else {
      var sasl = try reader.enter(BERTag.context(3, constructed: true))
      let mechanism = try sasl.readString()
      authentication = .sasl(
        mechanism: mechanism, credentials: sasl.isAtEnd ? nil : Array(try sasl.readOctetString()))
    }
  }

  func encode(into writer: inout BERWriter) {
    writer.integer(3)
    writer.string(name)
    switch authentication {
    case .simple(let password): writer.octetString(password, BERTag.context(0))
    case .sasl(let mechanism, let credentials):
      writer.constructed(BERTag.context(3, constructed: true)) {
        $0.string(mechanism)
        if let credentials { $0.octetString(credentials) }
      }
    }
  }
}

/// RFC 4511 4.2.2:
///
///     BindResponse ::= [APPLICATION 1] SEQUENCE {
///          COMPONENTS OF LDAPResult,
///          serverSaslCreds    [7] OCTET STRING OPTIONAL }
package struct BindResponse: Sendable, Hashable {
  package var result: LDAPResult
  package var serverCredentials: [UInt8]?

  package init(_ result: LDAPResult, serverCredentials: [UInt8]? = nil) {
    self.result = result
    self.serverCredentials = serverCredentials
  }

  init(_ reader: inout BERReader) throws(ByteError) {
    result = try LDAPResult(&reader)
    serverCredentials =
      reader.nextTag == BERTag.context(7) ? Array(try reader.readOctetString(BERTag.context(7))) : nil
  }

  func encode(into writer: inout BERWriter) {
    result.encode(into: &writer)
    if let serverCredentials { writer.octetString(serverCredentials, BERTag.context(7)) }
  }
}
