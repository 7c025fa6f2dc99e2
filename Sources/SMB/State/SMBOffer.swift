// SPDX-License-Identifier: Apache-2.0

import Wire

/// What this side offers in a NEGOTIATE, most wanted first.
package struct SMBOffer: Sendable, Hashable {
  package var dialects: [Dialect]
  package var signing: [SigningAlgorithm]
  package var ciphers: [Cipher]

  package init(
    dialects: [Dialect] = [.smb210, .smb300, .smb302, .smb311], signing: [SigningAlgorithm] = [.aesGMAC, .aesCMAC],
    ciphers: [Cipher] = [.aes256GCM, .aes128GCM, .aes256CCM, .aes128CCM]
  ) {
    self.dialects = dialects
    self.signing = signing
    self.ciphers = ciphers
  }

  /// Bytes of the salt of the preauthentication hash; MS-SMB2 2.2.3.1.1 leaves the number open.
  static let saltSize = 32

  /// MS-SMB2 3.2.4.2.2.2. Signing is always required.
  func request(clientGUID: GUID, salt: [UInt8]) -> NegotiateRequest {
    let isNew = dialects.contains { $0 >= .smb300 }
    let offersEncryption = isNew && !ciphers.isEmpty
    var contexts: [NegotiateContext] = [.preauthenticationIntegrity(hashes: [NegotiateContext.sha512], salt: salt)]
    if !ciphers.isEmpty { contexts.append(.encryption(ciphers.map(\.rawValue))) }
    if !signing.isEmpty { contexts.append(.signing(signing.map(\.rawValue))) }
    return NegotiateRequest(
      dialects: dialects, securityMode: [.signingEnabled, .signingRequired],
      capabilities: offersEncryption ? .encryption : [], clientGUID: clientGUID,
      contexts: dialects.contains(.smb311) ? contexts : [])
  }
}
