// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Wire

@testable import DirectoryLocator

/// Keeps what transports recorded.
final class RecordedFlows: FlowRecorder {
  private let storage = Mutex<[FlowUse]>([])
  var uses: [FlowUse] { storage.withLock { $0 } }
  func record(_ use: FlowUse) { storage.withLock { $0.append(use) } }
}

/// SplitMix64: the same seed gives the same numbers everywhere.
struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A clock that a test turns.
final class TestClock: Sendable {
  private let seconds = Mutex<TimeInterval>(1_000_000)
  var now: Date { Date(timeIntervalSince1970: seconds.withLock { $0 }) }
  func advance(by interval: TimeInterval) { seconds.withLock { $0 += interval } }
}

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
