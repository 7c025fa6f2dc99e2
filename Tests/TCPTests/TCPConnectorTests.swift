// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing
import TestSupport

@testable import TCP

@Suite struct TCPConnectorTests {
  private struct Refusal: Error {}

  private func connector(port: Int, timeout: Duration = .seconds(600)) throws -> TCPConnector {
    try TCPConnector(
      peer: "peer", address: "127.0.0.1", port: port, timeout: timeout, group: MultiThreadedEventLoopGroup.singleton)
  }

  /// A listener that nobody serves. Its queue is as short as it can be: once it is full, the kernel answers no SYN any more.
  private final class Listener {
    let port: Int
    private let socket: CInt
    private var callers: [CInt] = []

    init() throws {
      let socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
      var address = Self.address(port: 0)
      let bound = Self.with(&address) { bind(socket, $0, $1) }
      let listening = listen(socket, 0)
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let named = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &size) }
      }
      self.socket = socket
      port = Int(UInt16(bigEndian: address.sin_port))
      try #require(bound == 0 && listening == 0 && named == 0)
    }

    deinit { for descriptor in callers + [socket] { close(descriptor) } }

    private static func address(port: Int) -> sockaddr_in {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      address.sin_port = UInt16(port).bigEndian
      return address
    }

    private static func with(
      _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
      withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    }

    /// Calls until the kernel leaves a call unanswered.
    func fill() async throws {
      try await eventually {
        let caller = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
        callers.append(caller)
        var address = Self.address(port: port)
        _ = Self.with(&address) { connect(caller, $0, $1) }
        // On loopback the answer is there at once, or not at all.
        var waiting = pollfd(fd: caller, events: Int16(POLLOUT), revents: 0)
        return poll(&waiting, 1, 200) == 0
      }
    }
  }

  @Test func aCancelledTaskDoesNotWaitForAnUnansweredSYN() async throws {
    let listener = try Listener()
    try await listener.fill()
    let connector = try connector(port: listener.port)
    let channels = Mutex<[any Channel]>([])
    let task = Task {
      try await connector.open { channel in channels.withLock { $0.append(channel) } }
    }
    try await eventually { channels.withLock { $0.count } == 1 }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    let channel = try #require(channels.withLock { $0.first })
    try await channel.closeFuture.get()
  }

  @Test func aSilentPeerIsATimeout() async throws {
    let listener = try Listener()
    try await listener.fill()
    let error = await #expect(throws: TCPFailure.self) {
      try await connector(port: listener.port, timeout: .milliseconds(50)).open { _ in }
    }
    #expect(error?.kind == .timeout)
  }

  @Test func whoIsCancelledBeforeConnectsToNobody() async throws {
    let listener = try Listener()
    let connector = try connector(port: listener.port)
    let (gate, opening) = AsyncStream<Void>.makeStream()
    let task = Task {
      for await _ in gate {}
      try await connector.open { _ in }
    }
    task.cancel()
    opening.finish()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  /// What the installer throws is its own error, and not one of the network.
  @Test func theInstallersErrorComesThrough() async throws {
    let listener = try Listener()
    let channels = Mutex<[any Channel]>([])
    await #expect(throws: Refusal.self) {
      try await connector(port: listener.port).open { channel -> Void in
        channels.withLock { $0.append(channel) }
        throw Refusal()
      }
    }
    let channel = try #require(channels.withLock { $0.first })
    try await channel.closeFuture.get()
  }

  @Test func aRefusalIsNamed() async throws {
    let port = try Listener().port
    let error = await #expect(throws: TCPFailure.self) { try await connector(port: port).open { _ in } }
    #expect(error?.kind == .refused)
  }

  @Test func theLinkIsTheInstallersOwn() async throws {
    let listener = try Listener()
    let channel = try await connector(port: listener.port).open { $0 }
    #expect(channel.isActive)
    try await channel.close()
  }
}
