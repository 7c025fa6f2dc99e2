// SPDX-License-Identifier: Apache-2.0

import CKerberos
import Wire

/// Bytes into and out of GSSAPI's buffers.
enum GSSBuffer {
  /// Lends the bytes to a call that only reads them.
  static func withInput<R>(_ bytes: [UInt8], _ body: (UnsafeMutablePointer<gss_buffer_desc>) -> R) -> R {
    bytes.withUnsafeBytes { raw in
      var buffer = gss_buffer_desc(length: raw.count, value: UnsafeMutableRawPointer(mutating: raw.baseAddress))
      return body(&buffer)
    }
  }

  /// Copies and releases a buffer that the library allocated.
  static func take(_ buffer: inout gss_buffer_desc) -> [UInt8] {
    defer {
      var minor: OM_uint32 = 0
      gss_release_buffer(&minor, &buffer)
    }
    guard let start = buffer.value else { return [] }
    return Array(UnsafeRawBufferPointer(start: start, count: buffer.length))
  }
}

/// The session key of an established context.
enum GSSSessionKey {
  /// MIT answers with the key and an OID whose last arc is the encryption type; all known types fit one byte.
  static func inquire<R>(
    _ context: gss_ctx_id_t?, service: String, _ body: (UnsafeRawBufferPointer, Int32) -> R
  ) throws(SecurityError) -> R {
    var minor: OM_uint32 = 0
    var set: gss_buffer_set_t?
    let major = gss_inquire_sec_context_by_oid(&minor, context, bridgehead_gss_inquire_session_key(), &set)
    guard !GSSFailure.failed(major) else {
      throw GSSFailure(major: major, minor: minor).duringHandshake(service)
    }
    defer { gss_release_buffer_set(&minor, &set) }
    guard let set, set.pointee.count == 2, let elements = set.pointee.elements, let key = elements[0].value,
      elements[0].length > 0, let oid = elements[1].value, elements[1].length > 0
    else {
      throw SecurityError(
        .internalFailure, "The Kerberos library does not tell the session key with \(service).",
        remedy: "Install MIT krb5 1.18 or newer.")
    }
    defer { Zeroing.wipe(UnsafeMutableRawBufferPointer(start: key, count: elements[0].length)) }
    let arcs = UnsafeRawBufferPointer(start: oid, count: elements[1].length)
    return body(UnsafeRawBufferPointer(start: key, count: elements[0].length), Int32(arcs[arcs.count - 1]))
  }
}

/// A failed call's two status words, and their texts.
struct GSSFailure: Error {
  var major: OM_uint32
  var minor: OM_uint32

  var text: String {
    var parts = Self.texts(major, GSS_C_GSS_CODE)
    if minor != 0 { parts += Self.texts(minor, GSS_C_MECH_CODE) }
    return parts.joined(separator: "; ")
  }

  private static func texts(_ status: OM_uint32, _ type: Int32) -> [String] {
    var parts: [String] = []
    var more: OM_uint32 = 0
    repeat {
      var minor: OM_uint32 = 0
      var buffer = gss_buffer_desc()
      guard !failed(gss_display_status(&minor, status, type, bridgehead_gss_mech_krb5(), &more, &buffer)) else { break }
      parts.append(String(decoding: GSSBuffer.take(&buffer), as: UTF8.self))
    } while more != 0 && parts.count < 8
    return parts
  }

  static func failed(_ major: OM_uint32) -> Bool { bridgehead_gss_failed(major) != 0 }

  /// In human words, for a failure in the handshake with the service.
  func duringHandshake(_ service: String) -> SecurityError {
    if bridgehead_gss_bad_bindings(major) != 0 {
      return SecurityError(
        .rejectedToken, "\(service) is bound to another TLS connection than this one.",
        remedy: "Check for something that terminates TLS between this machine and the server.")
    }
    switch Int(Int32(bitPattern: minor)) {
    case KRB5KRB_AP_ERR_SKEW:
      return SecurityError(
        .clockSkew, "\(service) refuses this machine's clock.",
        remedy: "Synchronise the clocks of this machine, the KDCs and the server.")
    case KRB5KRB_AP_ERR_TKT_EXPIRED, KRB5KRB_AP_ERR_TKT_NYV:
      return SecurityError(
        .ticketExpired, "\(service) holds the ticket for expired or not yet valid.",
        remedy: "Try again; if it persists, compare the clocks.")
    case KRB5KRB_AP_ERR_MODIFIED, KRB5KRB_AP_ERR_BAD_INTEGRITY, KRB5KRB_AP_ERR_BADKEYVER, KRB5KRB_AP_ERR_NOKEY:
      return SecurityError(
        .rejectedToken, "\(service) cannot read its ticket: it was made for another key.",
        remedy: "Check for a duplicate or stale servicePrincipalName, or a server whose password is out of step.")
    default:
      return SecurityError(
        .rejectedToken, "The handshake with \(service) failed: \(text).",
        remedy: "Check the server's log; this machine's proof or the server's was refused.")
    }
  }
}
