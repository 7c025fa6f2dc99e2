// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import WebIdentity

/// An application that may ask people to sign in, or sign in itself.
package struct Application: Sendable, Hashable {
  package enum Kind: String, Sendable, CaseIterable {
    /// Cannot keep a secret (RFC 6749 2.1): a native app, a script on a person's machine.
    case publicClient = "public"
    case confidential
  }

  package enum Grant: String, Sendable, CaseIterable {
    case authorizationCode = "authorization_code"
    case refreshToken = "refresh_token"
    case deviceCode = "device_code"
    case clientCredentials = "client_credentials"
    /// For people who hold a Kerberos ticket: an assertion by WS-Trust, and tokens for it.
    case windowsTransport = "windows_transport"

    /// As `grant_type` has it (RFC 8628 3.4 for the device code; `saml1_1-bearer` is Entra ID's, modelled on RFC 7522 2.1).
    package init?(parameter: String) {
      let prefix = "urn:ietf:params:oauth:grant-type:"
      if parameter == prefix + Grant.deviceCode.rawValue {
        self = .deviceCode
      } else if parameter == prefix + "saml1_1-bearer" {
        self = .windowsTransport
      } else if let grant = Grant(rawValue: parameter), ![.deviceCode, .windowsTransport].contains(grant) {
        self = grant
      } else {
        return nil
      }
    }
  }

  /// A GUID; the `client_id`, and the audience of access tokens for it.
  package let id: String
  package let name: String
  package let kind: Kind
  package let redirects: [RedirectURI]
  /// Where people may be sent after signing out.
  package let logouts: [RedirectURI]
  package let grants: Set<Grant>
  package let created: Date
}
