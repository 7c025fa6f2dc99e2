// SPDX-License-Identifier: Apache-2.0

import CKerberos
import Glibc
import Wire

/// The GSSAPI handles behind a ``GSSContext`` and where its handshake stands.
struct GSSHandshake: ~Copyable {
  let parameters: SecurityParameters
  private let permitted: [EncryptionType]
  let service: String
  private(set) var context: gss_ctx_id_t?
  private var credential: gss_cred_id_t?
  private var target: gss_name_t?
  /// The first token, made but not yet fetched.
  private var firstToken: [UInt8]?
  private var isComplete = false
  private(set) var negotiated = Protection.none
  private var encryptionType: Int32 = 0

  /// - Parameters:
  ///   - cache: the name of a credential cache with the ticket, needed until `init` returns.
  ///   - target: the service principal of the ticket.
  ///   - service: the service as the caller named it, for messages.
  init(
    cache: String, target: String, parameters: SecurityParameters, permitted: [EncryptionType], service: String
  ) throws(SecurityError) {
    self.parameters = parameters
    self.permitted = permitted
    self.service = service
    let first: SecurityStep
    do {
      try acquire(cache)
      try nameTarget(target)
      first = try initiate([])
    } catch {
      // Nothing was sent yet. GSSAPI offers no way to give it a configuration: it reads the machine's, if there is one.
      throw SecurityError(
        .internalFailure, "No token for \(service) could be made, though its ticket is there. \(error.message)",
        remedy: "Check this machine's /etc/krb5.conf: if it exists it must be well-formed and permit AES.")
    }
    guard case .send(let token) = first else {
      throw SecurityError(
        .weakProtection, "\(service) would be trusted without proof of its identity.",
        remedy: "Report this as a defect.")
    }
    firstToken = token
  }

  deinit {
    var minor: OM_uint32 = 0
    var (context, credential, target) = (context, credential, target)
    gss_delete_sec_context(&minor, &context, nil)
    gss_release_cred(&minor, &credential)
    gss_release_name(&minor, &target)
  }

  private var mechanism: gss_OID {
    parameters.mechanism == .kerberos ? bridgehead_gss_mech_krb5() : bridgehead_gss_mech_spnego()
  }

  /// A credential of exactly the wanted mechanism; under SPNEGO it may negotiate Kerberos and nothing else.
  private mutating func acquire(_ cache: String) throws(SecurityError) {
    var minor: OM_uint32 = 0
    var mechanisms = gss_OID_set_desc(count: 1, elements: mechanism)
    let major = "ccache".withCString { key in
      cache.withCString { value in
        var element = gss_key_value_element_desc(key: key, value: value)
        return withUnsafeMutablePointer(to: &element) { element in
          var store = gss_key_value_set_desc(count: 1, elements: element)
          return gss_acquire_cred_from(
            &minor, nil, OM_uint32.max, &mechanisms, GSS_C_INITIATE, &store, &credential, nil, nil)
        }
      }
    }
    try check(major, minor)
    if parameters.mechanism == .spnego {
      var kerberosOnly = gss_OID_set_desc(count: 1, elements: bridgehead_gss_mech_krb5())
      try check(gss_set_neg_mechs(&minor, credential, &kerberosOnly), minor)
    }
    if parameters.protection < .confidentiality {
      // MIT adds both protections unasked; a server takes them for an order to seal, even inside TLS.
      var empty = gss_buffer_desc()
      try check(gss_set_cred_option(&minor, &credential, bridgehead_gss_no_ci_flags(), &empty), minor)
    }
  }

  private mutating func nameTarget(_ name: String) throws(SecurityError) {
    var minor: OM_uint32 = 0
    let major = GSSBuffer.withInput(Array(name.utf8)) {
      gss_import_name(&minor, $0, bridgehead_gss_nt_krb5_principal(), &target)
    }
    try check(major, minor)
  }

  private func check(_ major: OM_uint32, _ minor: OM_uint32) throws(SecurityError) {
    guard GSSFailure.failed(major) else { return }
    throw GSSFailure(major: major, minor: minor).duringHandshake(service)
  }

  private var requested: OM_uint32 {
    var flags = GSS_C_MUTUAL_FLAG
    if parameters.protection >= .integrity { flags |= GSS_C_INTEG_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG }
    if parameters.protection >= .confidentiality { flags |= GSS_C_CONF_FLAG }
    if parameters.isDCEStyle { flags |= GSS_C_DCE_STYLE }
    return OM_uint32(flags)
  }

  mutating func step(_ token: [UInt8]?) throws(SecurityError) -> SecurityStep {
    if let first = firstToken.take() {
      guard token?.isEmpty ?? true else { throw outOfTurn }
      return .send(first)
    }
    guard !isComplete, let token else { throw outOfTurn }
    return try initiate(token)
  }

  private var outOfTurn: SecurityError {
    SecurityError(
      .rejectedToken, "A token of the handshake with \(service) came out of turn.", remedy: "Close the connection.")
  }

  private mutating func initiate(_ token: [UInt8]) throws(SecurityError) -> SecurityStep {
    var (minor, flags, output) = (OM_uint32(0), OM_uint32(0), gss_buffer_desc())
    var actual: gss_OID?
    let major = GSSBuffer.withInput(parameters.channelBinding ?? []) { binding in
      var bindings = gss_channel_bindings_struct()
      bindings.application_data = binding.pointee
      return withUnsafeMutablePointer(to: &bindings) { bindings in
        GSSBuffer.withInput(token) { input in
          gss_init_sec_context(
            &minor, credential, &context, target, mechanism, requested, 0,
            parameters.channelBinding == nil ? nil : bindings, input, &actual, &output, &flags, nil)
        }
      }
    }
    let answer = GSSBuffer.take(&output)
    try check(major, minor)
    if bridgehead_gss_continues(major) != 0 { return .send(answer) }
    try accept(flags, actual)
    isComplete = true
    return answer.isEmpty ? .complete : .sendAndComplete(answer)
  }

  /// Compares what was negotiated with what was asked for.
  private mutating func accept(_ flags: OM_uint32, _ actual: gss_OID?) throws(SecurityError) {
    guard let actual, bridgehead_gss_oid_equal(actual, bridgehead_gss_mech_krb5()) != 0, flags & requested == requested
    else {
      throw SecurityError(
        .weakProtection, "\(service) agreed to less protection than was asked for.",
        remedy: "Check the server's security policy (signing and sealing) and what stands in between.")
    }
    encryptionType = try sessionEncryptionType()
    guard permitted.contains(where: { $0.rawValue == encryptionType }) else {
      throw SecurityError(
        .unsupportedEncryption, "\(service) chose \(EncryptionType.name(encryptionType)), which is not allowed here.",
        remedy: "Allow AES for the service's account (msDS-SupportedEncryptionTypes 24), or allow that type.")
    }
    if flags & OM_uint32(GSS_C_CONF_FLAG) != 0 {
      negotiated = .confidentiality
    } else if flags & OM_uint32(GSS_C_INTEG_FLAG) != 0 {
      negotiated = .integrity
    }
  }

  private func sessionEncryptionType() throws(SecurityError) -> Int32 {
    try GSSSessionKey.inquire(context, service: service) { _, encryptionType in encryptionType }
  }

  func sessionKey() throws(SecurityError) -> SecretBytes {
    guard isComplete else {
      throw SecurityError(
        .weakProtection, "No session key was agreed with \(service) yet.", remedy: "Finish the handshake first.")
    }
    return try GSSSessionKey.inquire(context, service: service) { key, _ in SecretBytes(key) }
  }

  var summary: String {
    let mechanism = parameters.mechanism == .spnego ? "SPNEGO Kerberos" : "Kerberos"
    guard isComplete else { return "\(mechanism), handshake not complete" }
    let protection =
      switch negotiated {
      case .none: "mutual authentication"
      case .integrity: "sign"
      case .confidentiality: "sign and seal"
      }
    return "\(mechanism) \(protection), \(EncryptionType.name(encryptionType))"
  }

  // MARK: - Messages

  mutating func wrap(_ message: [UInt8], signedOnly: Bool = false) throws(SecurityError) -> [UInt8] {
    let seals = try requireProtection() && !signedOnly
    var (minor, sealed, output) = (OM_uint32(0), Int32(0), gss_buffer_desc())
    let major = GSSBuffer.withInput(message) {
      gss_wrap(&minor, context, seals ? 1 : 0, gss_qop_t(GSS_C_QOP_DEFAULT), $0, &sealed, &output)
    }
    let wrapped = GSSBuffer.take(&output)
    guard !GSSFailure.failed(major), !seals || sealed != 0 else {
      throw messageFailure("could not be protected", major, minor)
    }
    return wrapped
  }

  mutating func unwrap(_ message: [UInt8], signedOnly: Bool = false) throws(SecurityError) -> [UInt8] {
    let seals = try requireProtection() && !signedOnly
    var (minor, sealed, quality, output) = (OM_uint32(0), Int32(0), gss_qop_t(0), gss_buffer_desc())
    let major = GSSBuffer.withInput(message) { gss_unwrap(&minor, context, $0, &output, &sealed, &quality) }
    let plain = GSSBuffer.take(&output)
    guard !GSSFailure.failed(major) else { throw messageFailure("is damaged or forged", major, minor) }
    guard bridgehead_gss_out_of_order(major) == 0 else {
      throw messageFailure("was replayed, lost or came out of order", major, minor)
    }
    guard !seals || sealed != 0 else {
      throw SecurityError(
        .weakProtection, "A message of \(service) is not sealed, though sealing was agreed.",
        remedy: "Check what stands between this machine and the server.")
    }
    return plain
  }

  /// - Returns: true when messages are sealed, false when they are only signed.
  func requireProtection() throws(SecurityError) -> Bool {
    guard isComplete, negotiated >= .integrity else {
      throw SecurityError(
        .weakProtection, "No protection of messages was agreed with \(service).",
        remedy: "Ask for integrity or confidentiality, and finish the handshake first.")
    }
    return negotiated == .confidentiality
  }

  func messageFailure(_ what: String, _ major: OM_uint32, _ minor: OM_uint32) -> SecurityError {
    let isExpired = bridgehead_gss_expired(major) != 0
    return SecurityError(
      isExpired ? .ticketExpired : .rejectedToken,
      "A message of \(service) \(what): \(GSSFailure(major: major, minor: minor).text).",
      remedy: isExpired
        ? "Connect again: the ticket of this connection has expired."
        : "Close the connection and connect again; check what stands between this machine and the server.")
  }
}
