// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix
import Testing
import Wire

@testable import DirectoryLocator

/// Runs `body` and expects it to throw a ``LocatorError``.
func locatorError<R>(_ body: () async throws -> R) async throws -> LocatorError {
  do {
    let value = try await body()
    throw UnexpectedSuccess(value: "\(value)")
  } catch let error as LocatorError {
    return error
  }
}

struct UnexpectedSuccess: Error { let value: String }

/// Answers each datagram by a function; a UDP server for tests.
final class DatagramHandler: ChannelInboundHandler, Sendable {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>
  private let answer: @Sendable ([UInt8]) -> [[UInt8]]

  init(_ answer: @escaping @Sendable ([UInt8]) -> [[UInt8]]) { self.answer = answer }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    for reply in answer(Array(envelope.data.readableBytesView)) {
      let reply = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: reply))
      context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
    }
  }
}

let testGroup = MultiThreadedEventLoopGroup.singleton

/// A loopback UDP port on which nobody listens.
func deadPort() async throws -> Int {
  let channel = try await DatagramBootstrap(group: testGroup).bind(host: "127.0.0.1", port: 0).get()
  let port = channel.localAddress?.port ?? 0
  try await channel.close()
  return port
}

extension DNSResolver {
  /// The addresses of one family with the server that gave them.
  func addressRecords(of host: String, ipv6: Bool = false) async throws -> DNSAnswer<String> {
    try await answer(Self.absolute(host), ipv6 ? .aaaa : .a)
  }
}
