// SPDX-License-Identifier: Apache-2.0

import NIOCore
import SwiftASN1
import Synchronization
import X509

/// What a server asked of the client in its handshake.
package struct CertificateRequest: Sendable, Hashable {
  /// The names of the authorities whose certificates it takes, empty for any; nil where the list was sealed (TLS 1.3).
  package var issuers: [String]?
}

/// Notes a server's request for a certificate: whether there was one, and in TLS 1.2, where it travels in clear, for whom.
///
/// `note` is called by the TLS handler when it looks for a certificate to send, which it does only when it was asked.
final class CertificateRequestObserver: ChannelInboundHandler, RemovableChannelHandler, Sendable {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private struct State {
    var parser = CertificateRequestParser()
    var wasAsked = false
  }
  private let state = Mutex(State())

  var request: CertificateRequest? {
    state.withLock { state in
      guard state.wasAsked || state.parser.authorities != nil else { return nil }
      return CertificateRequest(issuers: state.parser.authorities?.map(Self.text))
    }
  }

  func note() { state.withLock { $0.wasAsked = true } }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data).readableBytesView
    state.withLock { $0.parser.consume(bytes) }
    context.fireChannelRead(data)
  }

  private static func text(_ name: [UInt8]) -> String {
    guard let parsed = try? DistinguishedName(derEncoded: DER.parse(name)) else {
      return "a name that is not understood"
    }
    return "\(parsed)"
  }
}

/// RFC 5246 7.4.4, in the records of 6.2.1:
/// ```
/// struct { ClientCertificateType certificate_types<1..2^8-1>;
///          SignatureAndHashAlgorithm supported_signature_algorithms<2^16-1>;
///          DistinguishedName certificate_authorities<0..2^16-1>; } CertificateRequest   (msg_type 13)
/// ```
struct CertificateRequestParser {
  /// The bytes of a server's first flight that are looked at; a chain and a list of 200 authorities take 30,000.
  static let maximumBytes = 256 << 10
  /// Authorities that are kept.
  static let maximumAuthorities = 100

  /// Nil until a request was seen.
  private(set) var authorities: [[UInt8]]?
  private var records: [UInt8] = []
  private var messages: [UInt8] = []
  private var taken = 0
  private var isOver = false

  mutating func consume(_ received: some Sequence<UInt8>) {
    guard !isOver else { return }
    records.append(contentsOf: received)
    while !isOver, records.count >= 5 {
      let length = Int(records[3]) << 8 | Int(records[4])
      // Anything but a handshake record in clear: sealed from here on, an alert, or no TLS.
      guard records[0] == 22, length > 0 else { return finish() }
      guard records.count >= 5 + length else { break }
      messages += records[5..<5 + length]
      records.removeFirst(5 + length)
      taken += length
      guard taken <= Self.maximumBytes else { return finish() }
      read()
    }
    if records.count > Self.maximumBytes { finish() }
  }

  private mutating func finish() {
    isOver = true
    records = []
    messages = []
  }

  private mutating func read() {
    while messages.count >= 4 {
      let length = Int(messages[1]) << 16 | Int(messages[2]) << 8 | Int(messages[3])
      guard messages.count >= 4 + length else { return }
      let body = Array(messages[4..<4 + length])
      let type = messages[0]
      messages.removeFirst(4 + length)
      if type == 13 { authorities = Self.authorities(of: body) ?? [] }
      // server_hello_done ends the flight.
      if type == 14 { return finish() }
    }
  }

  /// Nil when the message is malformed; the TLS handler says so, too.
  private static func authorities(of body: [UInt8]) -> [[UInt8]]? {
    var rest = body[...]
    func take(_ width: Int) -> ArraySlice<UInt8>? {
      guard rest.count >= width else { return nil }
      let length = rest.prefix(width).reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(width)
      guard rest.count >= length else { return nil }
      defer { rest = rest.dropFirst(length) }
      return rest.prefix(length)
    }
    guard take(1) != nil, take(2) != nil, let list = take(2) else { return nil }
    rest = list
    var names: [[UInt8]] = []
    while !rest.isEmpty, names.count < maximumAuthorities {
      guard let name = take(2) else { return nil }
      names.append(Array(name))
    }
    return names
  }
}
