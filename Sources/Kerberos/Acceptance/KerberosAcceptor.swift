// SPDX-License-Identifier: Apache-2.0

import CKerberos
package import Wire

/// Takes tickets for one service: the other side of ``KerberosProvider``.
///
/// Kerberos only, alone or inside SPNEGO, in one token: NTLM is never negotiated. Keys are in memory; libkrb5's replay cache
/// is a file of the caller's. The actor runs on a thread of its own, on which it may block.
package actor KerberosAcceptor {
  /// Where proofs that were seen are remembered, so that nobody can send one again.
  package enum ReplayCache: Sendable, Hashable {
    /// A file of libkrb5's, which outlives the process; several processes may share it.
    case file(path: String)
    /// For proofs that never left this process.
    case none
  }

  /// A ticket of an account in very many groups (MaxTokenSize of Windows is 48,000).
  package static let maximumTokenBytes = 65_536

  private let thread: SerialThread
  private let library: KerberosLibrary
  private let keytab: MemoryKeytab
  private let service: String
  private let credential: AcceptorCredential

  /// - Parameters:
  ///   - service: in the realm whose KDCs know the keys.
  ///   - keys: the newest first; older ones for tickets that still live.
  /// - Throws: `SecurityError` when the keys or the file cannot be used.
  package init(
    _ service: ServicePrincipal, keys: [ServiceKey], replayCache: ReplayCache
  ) throws(SecurityError) {
    guard let realm = service.realm, !keys.isEmpty else {
      throw SecurityError(
        .badCredentialSource, "A service needs a realm and a key to take tickets.", remedy: "Report this as a defect.")
    }
    guard let thread = SerialThread() else {
      throw SecurityError(
        .internalFailure, "The system refused a thread.", remedy: "Raise the limit on threads of this process.")
    }
    do {
      library = try KerberosLibrary(KerberosConfiguration(realm: realm, principal: service.service))
      let principal = try library.principal(service, defaultRealm: realm)
      keytab = try MemoryKeytab(library, principal: principal, keys: keys)
      credential = try AcceptorCredential(keytab: keytab.name, replayCache: replayCache)
    } catch {
      thread.stop()
      throw error
    }
    self.thread = thread
    self.service = service.description
  }

  deinit { thread.stop() }

  package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// Verifies a token that a client sends unasked (RFC 4559 5).
  ///
  /// - Parameter channelBinding: RFC 5929 application data of the TLS connection. A client that names another channel is
  ///   refused; one that names none is not (``AcceptedClient/isChannelBound``).
  /// - Throws: `SecurityError`, whose words are for the log: a client is told nothing.
  package func accept(_ token: [UInt8], channelBinding: [UInt8]?) throws(SecurityError) -> AcceptedClient {
    guard (1...Self.maximumTokenBytes).contains(token.count) else {
      throw SecurityError(
        .rejectedToken, "A token for \(service) has \(token.count) bytes.", remedy: "Check the client.")
    }
    let accepted = try AcceptedContext(
      token, credential: credential, channelBinding: channelBinding, service: service)
    let type = try GSSSessionKey.inquire(accepted.context, service: service) { _, type in type }
    guard let type = EncryptionType(rawValue: type), EncryptionType.aes.contains(type) else {
      throw SecurityError(
        .unsupportedEncryption, "A client of \(service) uses \(EncryptionType.name(type)) for its session.",
        remedy: "Allow AES for the account (msDS-SupportedEncryptionTypes) and on the client.")
    }
    let statement = try accepted.logonInformation()
    let information: LogonInformation
    do throws(ByteError) {
      information = try LogonInformation(statement)
    } catch {
      throw SecurityError(
        .rejectedToken, "The account in a ticket of \(accepted.name) for \(service) cannot be read: \(error).",
        remedy: "Check the domain controllers' version.")
    }
    return AcceptedClient(
      name: accepted.name, identifier: information.user, encryptionType: type,
      isChannelBound: accepted.isChannelBound, answer: accepted.answer)
  }
}

/// An acceptor's handle in GSSAPI.
final class AcceptorCredential {
  private(set) var raw: gss_cred_id_t?

  init(keytab: String, replayCache: KerberosAcceptor.ReplayCache) throws(SecurityError) {
    let cache =
      switch replayCache {
      case .file(let path): "file2:" + path
      case .none: "none:"
      }
    let elements = [("keytab", keytab), ("rcache", cache)]
    let (major, minor) = Self.acquire(elements[...], [], &raw)
    guard !GSSFailure.failed(major) else {
      throw SecurityError(
        .internalFailure, "Tickets cannot be taken: \(GSSFailure(major: major, minor: minor).text).",
        remedy: "Check that the place of the replay cache can be written to.")
    }
    var status: OM_uint32 = 0
    var kerberosOnly = gss_OID_set_desc(count: 1, elements: bridgehead_gss_mech_krb5())
    let limited = gss_set_neg_mechs(&status, raw, &kerberosOnly)
    guard !GSSFailure.failed(limited) else {
      throw SecurityError(
        .internalFailure,
        "SPNEGO cannot be limited to Kerberos: \(GSSFailure(major: limited, minor: status).text).",
        remedy: "Install MIT krb5 1.18 or newer.")
    }
  }

  deinit {
    var minor: OM_uint32 = 0
    gss_release_cred(&minor, &raw)
  }

  /// Lends each text to the call by its recursion.
  private static func acquire(
    _ texts: ArraySlice<(String, String)>, _ made: [gss_key_value_element_desc], _ raw: inout gss_cred_id_t?
  ) -> (OM_uint32, OM_uint32) {
    if let (key, value) = texts.first {
      return key.withCString { key in
        value.withCString { value in
          acquire(texts.dropFirst(), made + [gss_key_value_element_desc(key: key, value: value)], &raw)
        }
      }
    }
    var made = made
    var minor: OM_uint32 = 0
    var mechanisms = [bridgehead_gss_mech_krb5().pointee, bridgehead_gss_mech_spnego().pointee]
    let count = made.count
    let major = made.withUnsafeMutableBufferPointer { elements in
      mechanisms.withUnsafeMutableBufferPointer { list in
        var store = gss_key_value_set_desc(count: OM_uint32(count), elements: elements.baseAddress)
        var wanted = gss_OID_set_desc(count: list.count, elements: list.baseAddress)
        return gss_acquire_cred_from(
          &minor, nil, OM_uint32.max, &wanted, GSS_C_ACCEPT, &store, &raw, nil, nil)
      }
    }
    return (major, minor)
  }
}
