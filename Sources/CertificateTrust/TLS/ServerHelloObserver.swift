// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Reads the cipher suite out of the ServerHello as it passes to the TLS handler, which does not tell it.
///
/// The value is the peer's claim until the handshake is over; the transcript that both sides confirm then contains it.
final class ServerHelloObserver: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private var parser = ServerHelloParser()
  var cipherSuite: UInt16? { parser.cipherSuite }
  /// The peer said something.
  private(set) var hasHeard = false

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    hasHeard = true
    if parser.isWaiting { parser.consume(unwrapInboundIn(data).readableBytesView) }
    context.fireChannelRead(data)
  }
}

/// RFC 8446 4.1.3 and RFC 5246 7.4.1.3 (the same layout):
/// ```
/// struct { uint8 type; uint16 version; uint16 length; } record header
/// struct { uint8 msg_type = 2; uint24 length; } handshake header
/// struct { uint16 legacy_version; opaque random[32]; opaque session_id<0..32>; uint16 cipher_suite; … } ServerHello
/// ```
struct ServerHelloParser {
  private(set) var cipherSuite: UInt16?
  /// False once the suite is known or cannot be.
  private(set) var isWaiting = true
  private var bytes: [UInt8] = []

  /// Record header, handshake header, version, random, longest session identifier, suite.
  private static let enough = 5 + 4 + 2 + 32 + 1 + 32 + 2

  mutating func consume(_ received: some Sequence<UInt8>) {
    guard isWaiting else { return }
    for byte in received where bytes.count < Self.enough { bytes.append(byte) }
    if bytes.first != 22 || (bytes.count > 5 && bytes[5] != 2) {
      // An alert, or no TLS at all: the TLS handler will say so.
      isWaiting = false
      return
    }
    let sessionLength = 5 + 4 + 2 + 32
    guard bytes.count > sessionLength else { return }
    let suite = sessionLength + 1 + Int(bytes[sessionLength])
    guard bytes[sessionLength] <= 32 else {
      isWaiting = false
      return
    }
    guard bytes.count >= suite + 2 else { return }
    cipherSuite = UInt16(bytes[suite]) << 8 | UInt16(bytes[suite + 1])
    isWaiting = false
  }
}

/// Names of the suites that BoringSSL negotiates, from IANA's TLS Cipher Suites registry.
enum CipherSuiteName {
  private static let names: [UInt16: String] = [
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0xc02b: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    0xc02c: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xc02f: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    0xc030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0xcca8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xcca9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    0xc009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    0xc00a: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    0xc013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    0xc014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    0x009c: "TLS_RSA_WITH_AES_128_GCM_SHA256",
    0x009d: "TLS_RSA_WITH_AES_256_GCM_SHA384",
    0x002f: "TLS_RSA_WITH_AES_128_CBC_SHA",
    0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
  ]

  static func of(_ suite: UInt16?) -> String {
    guard let suite else { return "unknown cipher suite" }
    return names[suite] ?? "cipher suite 0x" + String(suite, radix: 16)
  }
}
