// SPDX-License-Identifier: Apache-2.0

package import CertificateTrust
package import Wire

/// How a connection is protected and how its client signs in. A secret never travels unprotected: no value of this type
/// says so.
package struct ConnectionSecurity: Sendable {
  enum Kind: Sendable {
    case sealed(any SecurityContextProvider, ServicePrincipal?, SASLMechanism)
    case tls(TLSClientPolicy, SignIn)
    /// Nothing is protected and nobody signs in.
    case open
  }

  /// How to sign in inside TLS.
  package struct SignIn: Sendable {
    enum Kind: Sendable {
      case negotiated(any SecurityContextProvider, ServicePrincipal?)
      case simple(name: String, password: SecretBytes)
      case anonymous
    }
    let kind: Kind

    /// GSS-SPNEGO bound to the TLS channel (RFC 5929 tls-server-end-point); the protection is TLS's.
    package static func negotiated(
      _ provider: any SecurityContextProvider, principal: ServicePrincipal? = nil
    ) -> SignIn {
      SignIn(kind: .negotiated(provider, principal))
    }

    /// A simple bind (RFC 4513 5.1.3); an empty name or password is refused, since it would mean nobody.
    package static func simple(name: String, password: SecretBytes) -> SignIn {
      SignIn(kind: .simple(name: name, password: password))
    }

    /// RFC 4513 5.1.1: no name; a server shows its rootDSE and little else.
    package static let anonymous = SignIn(kind: .anonymous)
  }

  let kind: Kind

  /// 389 and 3268: integrity and confidentiality of every message, or no connection.
  ///
  /// - Parameters:
  ///   - principal: the server's; `ldap/<host>` when nil.
  ///   - mechanism: ``SASLMechanism/spnego`` for Active Directory.
  package static func sealed(
    _ provider: any SecurityContextProvider, principal: ServicePrincipal? = nil, mechanism: SASLMechanism = .spnego
  ) -> ConnectionSecurity {
    ConnectionSecurity(kind: .sealed(provider, principal, mechanism))
  }

  /// 636 and 3269: TLS whose chain, name and revocation are verified before the first byte of LDAP leaves.
  package static func tls(_ policy: TLSClientPolicy, _ signIn: SignIn) -> ConnectionSecurity {
    ConnectionSecurity(kind: .tls(policy, signIn))
  }

  /// For peers in tests of what lies above the protection.
  static let open = ConnectionSecurity(kind: .open)
}
