// SPDX-License-Identifier: Apache-2.0

import CKerberos
import Wire

/// A context that was accepted with the client's first token (RFC 2743 2.2.2), and what the ticket says.
final class AcceptedContext {
  private(set) var context: gss_ctx_id_t?
  private var client: gss_name_t?
  private let service: String
  let answer: [UInt8]
  let isChannelBound: Bool
  /// The client's principal.
  private(set) var name = ""

  init(
    _ token: [UInt8], credential: AcceptorCredential, channelBinding: [UInt8]?, service: String
  ) throws(SecurityError) {
    self.service = service
    var (minor, flags, output) = (OM_uint32(0), OM_uint32(0), gss_buffer_desc())
    var (context, client, mechanism): (gss_ctx_id_t?, gss_name_t?, gss_OID?) = (nil, nil, nil)
    let major = GSSBuffer.withInput(channelBinding ?? []) { binding in
      var bindings = gss_channel_bindings_struct()
      bindings.application_data = binding.pointee
      return withUnsafeMutablePointer(to: &bindings) { bindings in
        GSSBuffer.withInput(token) { input in
          gss_accept_sec_context(
            &minor, &context, credential.raw, input, channelBinding == nil ? nil : bindings, &client, &mechanism,
            &output, &flags, nil, nil)
        }
      }
    }
    (self.context, self.client) = (context, client)
    answer = GSSBuffer.take(&output)
    isChannelBound = flags & OM_uint32(GSS_C_CHANNEL_BOUND_FLAG) != 0
    guard !GSSFailure.failed(major) else {
      throw GSSFailure(major: major, minor: minor).duringAcceptance(service)
    }
    // A client that would rather use another mechanism asks for a second round, which HTTP has no place for.
    guard bridgehead_gss_continues(major) == 0, let mechanism,
      bridgehead_gss_oid_equal(mechanism, bridgehead_gss_mech_krb5()) != 0
    else {
      throw SecurityError(
        .rejectedToken, "A client of \(service) does not begin with a Kerberos ticket.",
        remedy: "Check that the client has a ticket for the service's domain.")
    }
    name = try displayName()
  }

  deinit {
    var minor: OM_uint32 = 0
    gss_delete_sec_context(&minor, &context, nil)
    gss_release_name(&minor, &client)
  }

  /// The statement of MS-PAC 2.5, only where the KDC's signature by the service's key holds (MS-PAC 2.8.1).
  func logonInformation() throws(SecurityError) -> [UInt8] {
    var (minor, value, display) = (OM_uint32(0), gss_buffer_desc(), gss_buffer_desc())
    var (authenticated, complete, more): (Int32, Int32, Int32) = (0, 0, -1)
    let major = GSSBuffer.withInput(Array("urn:mspac:logon-info".utf8)) { attribute in
      gss_get_name_attribute(
        &minor, client, attribute, &authenticated, &complete, &value, &display, &more)
    }
    let bytes = GSSBuffer.take(&value)
    _ = GSSBuffer.take(&display)
    guard !GSSFailure.failed(major), authenticated != 0, !bytes.isEmpty else {
      throw SecurityError(
        .rejectedToken, "The ticket of \(name) for \(service) has no statement about the account that is signed.",
        remedy:
          "Check that the ticket comes from a domain controller, and that the account has no NO_AUTH_DATA_REQUIRED.")
    }
    return bytes
  }

  private func displayName() throws(SecurityError) -> String {
    var (minor, output) = (OM_uint32(0), gss_buffer_desc())
    let major = gss_display_name(&minor, client, &output, nil)
    let text = GSSBuffer.take(&output)
    guard !GSSFailure.failed(major) else {
      throw GSSFailure(major: major, minor: minor).duringAcceptance(service)
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension GSSFailure {
  /// In the acceptor's words.
  func duringAcceptance(_ service: String) -> SecurityError {
    if bridgehead_gss_bad_bindings(major) != 0 {
      return SecurityError(
        .rejectedToken, "A client of \(service) is bound to another TLS connection than this one.",
        remedy: "Let nothing terminate TLS between clients and this service.")
    }
    switch Int(Int32(bitPattern: minor)) {
    case KRB5KRB_AP_ERR_SKEW:
      return SecurityError(
        .clockSkew, "The clocks of \(service) and of a client differ too much.",
        remedy: "Synchronise the clocks of this machine, the KDCs and the client.")
    case KRB5KRB_AP_ERR_TKT_EXPIRED, KRB5KRB_AP_ERR_TKT_NYV:
      return SecurityError(
        .ticketExpired, "A ticket for \(service) has expired or is not yet valid.", remedy: "Compare the clocks.")
    case KRB5KRB_AP_ERR_REPEAT:
      return SecurityError(
        .rejectedToken, "A proof for \(service) was seen before.",
        remedy: "If it was no repetition by accident, somebody copied it: check what can read the traffic.")
    case KRB5KRB_AP_ERR_MODIFIED, KRB5KRB_AP_ERR_BAD_INTEGRITY, KRB5KRB_AP_ERR_BADKEYVER, KRB5KRB_AP_ERR_NOKEY,
      KRB5KRB_AP_WRONG_PRINC, KRB5_KT_NOTFOUND, KRB5_KT_KVNONOTFOUND:
      return SecurityError(
        .rejectedToken, "A ticket for \(service) was made for another key.",
        remedy: "Hand over the account's present key: 'bridgehead connect sso roll'.")
    default:
      return SecurityError(
        .rejectedToken, "A token for \(service) was refused: \(text).",
        remedy: "Check the client: it has to send a Kerberos ticket for the service.")
    }
  }
}
