// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Who authenticates where, and what is accepted.
package struct KerberosConfiguration: Sendable {
  /// The client's realm, upper case in Active Directory.
  package var realm: String
  /// `name`, `name@REALM`, or a user principal name with another suffix (sent as an enterprise name, RFC 6806 5).
  package var principal: String
  /// By how much the clocks of this machine and the KDC may differ. Within it tickets are made with the KDC's time;
  /// beyond it every exchange is refused with the size of the skew.
  package var allowedClockSkew: Duration
  /// Requests up to this size in bytes go over UDP first, larger ones over TCP first; 0 means TCP only (RFC 4120 7.2.1).
  package var udpPreferenceLimit: Int
  /// What may protect tickets and messages, most wanted first.
  package var encryptionTypes: [EncryptionType]
  /// An initial ticket with less than this left is replaced before it is used again.
  package var renewalMargin: Duration
  /// How long one KDC is given to answer over one transport: one round over all KDCs for each element.
  package var attemptTimeouts: [Duration]
  /// Where libkrb5 itself sends changes of passwords (RFC 3244), by numeric address; it has no other network.
  package var passwordServer: Endpoint?

  /// RFC 4120 7.2.1 lets a client choose; MIT's default keeps a request within one Ethernet frame.
  package static let defaultUDPPreferenceLimit = 1465

  package init(
    realm: String, principal: String, allowedClockSkew: Duration = .seconds(300),
    udpPreferenceLimit: Int = Self.defaultUDPPreferenceLimit,
    encryptionTypes: [EncryptionType] = EncryptionType.aes, renewalMargin: Duration = .seconds(600),
    attemptTimeouts: [Duration] = [.seconds(1), .seconds(2), .seconds(4)]
  ) {
    self.realm = realm
    self.principal = principal
    self.allowedClockSkew = allowedClockSkew
    self.udpPreferenceLimit = udpPreferenceLimit
    self.encryptionTypes = encryptionTypes
    self.renewalMargin = renewalMargin
    self.attemptTimeouts = attemptTimeouts
  }
}

extension KerberosConfiguration {
  /// What libkrb5 is told instead of a krb5.conf: section and relation to values.
  ///
  /// It names no KDC and forbids DNS: libkrb5 sends nothing itself.
  var profile: [[String]: String] {
    let types = encryptionTypes.map(\.description).joined(separator: " ")
    let values = [
      "default_realm": realm, "permitted_enctypes": types, "default_tkt_enctypes": types, "default_tgs_enctypes": types,
      "dns_lookup_kdc": "false", "dns_lookup_realm": "false", "dns_canonicalize_hostname": "false", "rdns": "false",
      // The skew itself is judged by us, from the KDC's own time, see `ClockSkew`.
      "kdc_timesync": "1", "clockskew": String(max(1, allowedClockSkew.components.seconds)),
      "noaddresses": "true", "canonicalize": "false",
    ]
    var profile = Dictionary(uniqueKeysWithValues: values.map { (["libdefaults", $0.key], $0.value) })
    if let passwordServer { profile[["realms", realm, "kpasswd_server"]] = passwordServer.description }
    return profile
  }

  /// The client's name for `krb5_parse_name`, and whether it is an enterprise name.
  var clientName: (text: String, isEnterprise: Bool) {
    guard let at = principal.lastIndex(of: "@") else { return ("\(principal)@\(realm)", false) }
    let suffix = principal[principal.index(after: at)...]
    if suffix.uppercased() == realm.uppercased() { return ("\(principal[..<at])@\(realm)", false) }
    return ("\(principal[..<at])\\@\(suffix)@\(realm)", true)
  }
}
