// SPDX-License-Identifier: Apache-2.0

import CKerberos
import Glibc
import Synchronization
import Wire

/// An initiator's security context (RFC 2743, RFC 4121, RFC 4178) whose ticket is already there.
///
/// It always asks for mutual authentication; with any protection also for replay and sequence detection. When the
/// handshake ends with less than was asked for, it fails.
final class GSSContext: SecurityContext {
  private let handshake: Mutex<GSSHandshake>

  /// Makes the first token, on the provider's thread: that is where GSSAPI looks at files of its own.
  init(
    _ library: KerberosLibrary, ticket: Credentials, parameters: SecurityParameters, permitted: [EncryptionType],
    service: String
  ) throws(SecurityError) {
    // A cache with this one ticket: GSSAPI can find nothing else, and without a granting ticket asks no KDC.
    let cache = try MemoryCache(library, owner: ticket.raw.client)
    var copy = ticket.raw
    try library.check(krb5_cc_store_cred(library.context, cache.raw, &copy), "Keeping the ticket")
    defer { withExtendedLifetime(cache) {} }
    handshake = Mutex(
      try GSSHandshake(
        cache: cache.name, target: ticket.serverName, parameters: parameters, permitted: permitted, service: service))
  }

  func step(_ token: [UInt8]?) throws(SecurityError) -> SecurityStep {
    try handshake.withLock { handshake throws(SecurityError) in try handshake.step(token) }
  }

  var protection: Protection { handshake.withLock { $0.negotiated } }

  var summary: String { handshake.withLock { $0.summary } }

  func wrap(_ message: [UInt8]) throws(SecurityError) -> [UInt8] {
    try handshake.withLock { handshake throws(SecurityError) in try handshake.wrap(message) }
  }

  func unwrap(_ message: [UInt8]) throws(SecurityError) -> [UInt8] {
    try handshake.withLock { handshake throws(SecurityError) in try handshake.unwrap(message) }
  }

  func wrapSigned(_ message: [UInt8]) throws(SecurityError) -> [UInt8] {
    try handshake.withLock { handshake throws(SecurityError) in try handshake.wrap(message, signedOnly: true) }
  }

  func unwrapSigned(_ message: [UInt8]) throws(SecurityError) -> [UInt8] {
    try handshake.withLock { handshake throws(SecurityError) in try handshake.unwrap(message, signedOnly: true) }
  }

  func tokenLength(_ segments: [Segment]) throws(SecurityError) -> Int {
    try handshake.withLock { handshake throws(SecurityError) in try handshake.tokenLength(segments) }
  }

  func seal(_ buffer: inout [UInt8], _ segments: [Segment]) throws(SecurityError) -> [UInt8] {
    // The lock's closure may not capture an inout parameter; the buffer moves in and out without a copy.
    var work = exchange(&buffer, with: [])
    defer { buffer = work }
    return try handshake.withLock { handshake throws(SecurityError) in try handshake.seal(&work, segments) }
  }

  func unseal(_ buffer: inout [UInt8], _ segments: [Segment], token: [UInt8]) throws(SecurityError) {
    var work = exchange(&buffer, with: [])
    defer { buffer = work }
    try handshake.withLock { handshake throws(SecurityError) in try handshake.unseal(&work, segments, token: token) }
  }

  func sessionKey() throws(SecurityError) -> SecretBytes {
    try handshake.withLock { handshake throws(SecurityError) in try handshake.sessionKey() }
  }
}
