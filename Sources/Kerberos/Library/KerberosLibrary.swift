// SPDX-License-Identifier: Apache-2.0

import CKerberos
import Glibc
import Wire

/// One `krb5_context`: used by one thread at a time, which is that of the provider that owns it.
final class KerberosLibrary {
  let context: krb5_context

  init(_ configuration: KerberosConfiguration) throws(SecurityError) {
    // Without a profile the library would take that of the machine.
    guard let profile = MemoryProfile(configuration.profile).makeHandle() else {
      throw SecurityError(
        .internalFailure, "The Kerberos library takes no configuration.", remedy: "Free memory on this machine.")
    }
    defer { profile_release(profile) }
    var context: krb5_context?
    // Secure: the environment (KRB5_TRACE, KRB5_KTNAME and the like) is not looked at.
    let code = krb5_init_context_profile(profile, krb5_flags(KRB5_INIT_CONTEXT_SECURE), &context)
    guard code == 0, let context else {
      throw SecurityError(
        .internalFailure, "The Kerberos library could not be initialised (error \(code)).",
        remedy: "Check that libkrb5-3 is installed completely.")
    }
    self.context = context
  }

  deinit { krb5_free_context(context) }

  /// The library's own words for an error.
  func text(_ code: krb5_error_code) -> String {
    guard let message = krb5_get_error_message(context, code) else { return "error \(code)" }
    defer { krb5_free_error_message(context, message) }
    return String(cString: message)
  }

  func check(_ code: krb5_error_code, _ action: String) throws(SecurityError) {
    guard code != 0 else { return }
    throw SecurityError(
      .internalFailure, "\(action) failed: \(text(code)).",
      remedy: "Check the realm and principal in the configuration.")
  }

  func principal(_ text: String, enterprise: Bool = false) throws(SecurityError) -> Principal {
    var raw: krb5_principal?
    let flags = enterprise ? KRB5_PRINCIPAL_PARSE_ENTERPRISE : 0
    // A zero byte would end the name early for the library.
    let code = krb5_parse_name_flags(context, text, Int32(flags), &raw)
    guard code == 0, let raw, !text.utf8.contains(0) else {
      krb5_free_principal(context, raw)
      throw SecurityError(
        .badCredentialSource, "\"\(text)\" is no Kerberos principal: \(self.text(code)).",
        remedy: "Write the principal as name@REALM.")
    }
    return Principal(self, raw)
  }

  func principal(_ service: ServicePrincipal, defaultRealm: String) throws(SecurityError) -> Principal {
    let parts = [service.service, service.host, service.realm ?? defaultRealm].map(Self.quote)
    return try principal("\(parts[0])/\(parts[1])@\(parts[2])")
  }

  /// A component may hold the characters that separate components, escaped.
  private static func quote(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      if "\\/@".contains(character) { result.append("\\") }
      result.append(character)
    }
  }

  func name(_ principal: krb5_const_principal?) -> String {
    var text: UnsafeMutablePointer<CChar>?
    guard krb5_unparse_name(context, principal, &text) == 0, let text else { return "?" }
    defer { krb5_free_unparsed_name(context, text) }
    return String(cString: text)
  }
}

/// An owned `krb5_principal`.
final class Principal {
  let raw: krb5_principal
  private let library: KerberosLibrary

  init(_ library: KerberosLibrary, _ raw: krb5_principal) {
    self.library = library
    self.raw = raw
  }

  deinit { krb5_free_principal(library.context, raw) }

  var name: String { library.name(raw) }
}

/// A credential cache of type MEMORY under a name that no one else knows; destroyed with its last holder.
final class MemoryCache {
  let raw: krb5_ccache
  private let library: KerberosLibrary

  init(_ library: KerberosLibrary, owner: krb5_principal) throws(SecurityError) {
    var raw: krb5_ccache?
    try library.check(krb5_cc_new_unique(library.context, "MEMORY", nil, &raw), "Making a credential cache")
    guard let raw else {
      throw SecurityError(.internalFailure, "No credential cache.", remedy: "Report this as a defect.")
    }
    self.library = library
    self.raw = raw
    try library.check(krb5_cc_initialize(library.context, raw, owner), "Initialising a credential cache")
  }

  deinit { krb5_cc_destroy(library.context, raw) }

  /// The name under which GSSAPI finds it.
  var name: String { "MEMORY:" + String(cString: krb5_cc_get_name(library.context, raw)) }
}

/// A ticket with its session key, as libkrb5 hands it out.
final class Credentials {
  private(set) var raw = krb5_creds()
  private let library: KerberosLibrary

  init(_ library: KerberosLibrary, fill: (inout krb5_creds) throws(SecurityError) -> Void) throws(SecurityError) {
    self.library = library
    try fill(&raw)
  }

  deinit { krb5_free_cred_contents(library.context, &raw) }

  var lifetime: TicketLifetime {
    let start = raw.times.starttime == 0 ? raw.times.authtime : raw.times.starttime
    // MIT reads its 32-bit times as unsigned, which lasts until 2106.
    return TicketLifetime(
      start: Int64(UInt32(bitPattern: start)), end: Int64(UInt32(bitPattern: raw.times.endtime)))
  }

  /// When the KDC authenticated the client, by the KDC's clock.
  var authenticationTime: Int64 { Int64(UInt32(bitPattern: raw.times.authtime)) }
  var serverName: String { library.name(raw.server) }
  var sessionEncryptionType: Int32 { raw.keyblock.enctype }
}
