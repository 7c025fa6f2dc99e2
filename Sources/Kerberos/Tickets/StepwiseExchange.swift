// SPDX-License-Identifier: Apache-2.0

import CKerberos
import Glibc
import Wire

/// A conversation with KDCs that libkrb5 conducts and we carry: it makes each request and reads each answer, but never
/// opens a socket (`krb5_init_creds_step`, `krb5_tkt_creds_step`).
protocol StepwiseExchange: AnyObject {
  var library: KerberosLibrary { get }
  /// - Returns: libkrb5's error code, and whether another request is to be carried.
  func step(
    _ answer: inout krb5_data, _ request: inout krb5_data, _ realm: inout krb5_data
  ) -> (code: krb5_error_code, continues: Bool)
}

struct KDCRequest {
  var bytes: [UInt8]
  var realm: String
}

extension StepwiseExchange {
  /// Feeds the KDC's last answer, empty at first.
  /// - Returns: the next request, nil when the exchange is complete; or libkrb5's error code.
  func next(_ answer: [UInt8]) -> Result<KDCRequest?, LibraryFailure> {
    var request = krb5_data()
    var realm = krb5_data()
    defer {
      krb5_free_data_contents(library.context, &request)
      krb5_free_data_contents(library.context, &realm)
    }
    var copy = answer
    let (code, continues) = copy.withUnsafeMutableBytes { buffer in
      var input = krb5_data(
        magic: 0, length: UInt32(buffer.count), data: buffer.baseAddress?.assumingMemoryBound(to: CChar.self))
      return step(&input, &request, &realm)
    }
    guard code == 0 else { return .failure(LibraryFailure(code: code, text: library.text(code))) }
    guard continues else { return .success(nil) }
    return .success(KDCRequest(bytes: Self.bytes(request), realm: String(decoding: Self.bytes(realm), as: UTF8.self)))
  }

  private static func bytes(_ data: krb5_data) -> [UInt8] {
    guard let start = data.data else { return [] }
    return Array(UnsafeRawBufferPointer(start: start, count: Int(data.length)))
  }
}

/// libkrb5's verdict, before it is put into human words.
struct LibraryFailure: Error {
  var code: krb5_error_code
  var text: String
}

/// Gets a ticket-granting ticket for the client (RFC 4120 3.1).
final class InitialExchange: StepwiseExchange {
  let library: KerberosLibrary
  private let client: Principal
  private var options: UnsafeMutablePointer<krb5_get_init_creds_opt>?
  private var exchange: krb5_init_creds_context?

  init(
    _ library: KerberosLibrary, client: Principal, isEnterprise: Bool, source: KerberosCredentialSource,
    configuration: KerberosConfiguration, service: String? = nil
  ) throws(SecurityError) {
    self.library = library
    self.client = client
    try library.check(krb5_get_init_creds_opt_alloc(library.context, &options), "Preparing the request")
    krb5_get_init_creds_opt_set_forwardable(options, 0)
    krb5_get_init_creds_opt_set_proxiable(options, 0)
    krb5_get_init_creds_opt_set_canonicalize(options, isEnterprise ? 1 : 0)
    try library.check(
      krb5_init_creds_init(library.context, client.raw, nil, nil, 0, options, &exchange), "Preparing the request")
    if let service {
      try library.check(krb5_init_creds_set_service(library.context, exchange, service), "Preparing the request")
    }
    switch source {
    case .password(let password): try setPassword(password)
    case .keytab(let path):
      let keytab = try Keytab(
        library, path: path, principal: client, encryptionTypes: configuration.encryptionTypes)
      try library.check(krb5_init_creds_set_keytab(library.context, exchange, keytab.raw), "Reading keytab \(path)")
      // libkrb5 reads the key only when the KDC asks for it, through this handle.
      self.keytab = KeytabHolder(keytab)
    }
  }

  private var keytab: KeytabHolder?

  private final class KeytabHolder {
    let keytab: Keytab
    init(_ keytab: consuming Keytab) { self.keytab = keytab }
  }

  deinit {
    krb5_init_creds_free(library.context, exchange)
    krb5_get_init_creds_opt_free(library.context, options)
  }

  private func setPassword(_ password: SecretBytes) throws(SecurityError) {
    let isUsable = password.withBytes { !$0.isEmpty && !$0.contains(0) }
    guard isUsable else {
      throw SecurityError(
        .badCredentialSource, "The password of \(client.name) is empty or holds a zero byte.",
        remedy: "Check the file, variable or credential that the password comes from.")
    }
    let code = password.withCString { krb5_init_creds_set_password(library.context, exchange, $0) }
    try library.check(code, "Preparing the request")
  }

  func step(
    _ answer: inout krb5_data, _ request: inout krb5_data, _ realm: inout krb5_data
  ) -> (code: krb5_error_code, continues: Bool) {
    var flags: UInt32 = 0
    let code = krb5_init_creds_step(library.context, exchange, &answer, &request, &realm, &flags)
    return (code, flags & UInt32(KRB5_INIT_CREDS_STEP_FLAG_CONTINUE) != 0)
  }

  func credentials() throws(SecurityError) -> Credentials {
    try Credentials(library) { raw throws(SecurityError) in
      try library.check(krb5_init_creds_get_creds(library.context, exchange, &raw), "Reading the ticket")
    }
  }
}

/// Gets a ticket for a service (RFC 4120 3.3), following referrals to other realms (RFC 6806).
final class TicketExchange: StepwiseExchange {
  let library: KerberosLibrary
  private let cache: MemoryCache
  private var exchange: krb5_tkt_creds_context?

  init(
    _ library: KerberosLibrary, cache: MemoryCache, client: krb5_principal, service: Principal
  ) throws(SecurityError) {
    self.library = library
    self.cache = cache
    var wanted = krb5_creds()
    wanted.client = client
    wanted.server = service.raw
    try library.check(
      krb5_tkt_creds_init(library.context, cache.raw, &wanted, 0, &exchange), "Preparing the request")
  }

  deinit { krb5_tkt_creds_free(library.context, exchange) }

  func step(
    _ answer: inout krb5_data, _ request: inout krb5_data, _ realm: inout krb5_data
  ) -> (code: krb5_error_code, continues: Bool) {
    var flags: UInt32 = 0
    let code = krb5_tkt_creds_step(library.context, exchange, &answer, &request, &realm, &flags)
    return (code, flags & UInt32(KRB5_TKT_CREDS_STEP_FLAG_CONTINUE) != 0)
  }

  func credentials() throws(SecurityError) -> Credentials {
    try Credentials(library) { raw throws(SecurityError) in
      try library.check(krb5_tkt_creds_get_creds(library.context, exchange, &raw), "Reading the ticket")
    }
  }
}
