// SPDX-License-Identifier: Apache-2.0

/// A request for an initial ticket without pre-authentication (RFC 4120 5.4.1), for those who only want to hear the KDC.
///
/// ```
/// AS-REQ ::= [APPLICATION 10] SEQUENCE {
///   pvno [1] INTEGER (5), msg-type [2] INTEGER (10), padata [3] SEQUENCE OF PA-DATA OPTIONAL, req-body [4] SEQUENCE {
///     kdc-options [0] BIT STRING, cname [1] PrincipalName, realm [2] Realm, sname [3] PrincipalName,
///     till [5] KerberosTime, nonce [7] UInt32, etype [8] SEQUENCE OF Int32 } }
/// ```
/// Every answer proves the service: an unknown principal (6) as much as the wish for pre-authentication (25). It proves no
/// password, and counts as no sign-in.
package struct InitialRequest: Sendable, Hashable {
  package var principal: String
  package var realm: String
  package var nonce: UInt32
  /// The least size in bytes; unknown pre-authentication data, which a KDC must pass over (RFC 4120 5.2.7), fills it up.
  package var size: Int

  package init(principal: String, realm: String, nonce: UInt32, size: Int = 0) {
    self.principal = principal
    self.realm = realm.uppercased()
    self.nonce = nonce
    self.size = size
  }

  /// RFC 4120 7.5.8: NT-PRINCIPAL and NT-SRV-INST.
  private enum NameType {
    static let principal: Int64 = 1
    static let serviceInstance: Int64 = 2
  }
  /// No pre-authentication type of RFC 4120 7.5.2 or of the registry.
  private static let unknownType: Int64 = 8191

  package var bytes: [UInt8] {
    let bare = encoded(padding: nil)
    guard size > bare.count else { return bare }
    // The padding's own headers are at most 24 bytes; what is over after a first try is taken off again.
    let first = encoded(padding: size - bare.count)
    return encoded(padding: max(0, size - bare.count - (first.count - size)))
  }

  private func encoded(padding: Int?) -> [UInt8] {
    let types = EncryptionType.aes.map { DERWriter.integer(Int64($0.rawValue)) }
    let body = DERWriter.element(
      DERTag.sequence,
      DERWriter.element(0xa0, [0x03, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00]),
      DERWriter.element(0xa1, name(NameType.principal, [principal])),
      DERWriter.element(0xa2, DERWriter.element(DERTag.generalString, Array(realm.utf8))),
      DERWriter.element(0xa3, name(NameType.serviceInstance, ["krbtgt", realm])),
      // RFC 4120 5.4.1: this value asks for the longest lifetime that policy allows.
      DERWriter.element(0xa5, DERWriter.element(DERTag.generalizedTime, Array("19700101000000Z".utf8))),
      DERWriter.element(0xa7, DERWriter.integer(Int64(nonce))),
      DERWriter.element(0xa8, DERWriter.element(DERTag.sequence, types.flatMap { $0 })))
    var fields = DERWriter.element(0xa1, DERWriter.integer(5)) + DERWriter.element(0xa2, DERWriter.integer(10))
    if let padding {
      let entry = DERWriter.element(
        DERTag.sequence, DERWriter.element(0xa1, DERWriter.integer(Self.unknownType)),
        DERWriter.element(0xa2, DERWriter.element(DERTag.octetString, [UInt8](repeating: 0, count: padding))))
      fields += DERWriter.element(0xa3, DERWriter.element(DERTag.sequence, entry))
    }
    return DERWriter.element(0x6a, DERWriter.element(DERTag.sequence, fields + DERWriter.element(0xa4, body)))
  }

  private func name(_ type: Int64, _ parts: [String]) -> [UInt8] {
    let strings = parts.flatMap { DERWriter.element(DERTag.generalString, Array($0.utf8)) }
    return DERWriter.element(
      DERTag.sequence, DERWriter.element(0xa0, DERWriter.integer(type)),
      DERWriter.element(0xa1, DERWriter.element(DERTag.sequence, strings)))
  }
}

extension InitialRequest {
  /// As it travels on a stream.
  package var streamBytes: [UInt8] { KDCFrame.encode(bytes) }
}
