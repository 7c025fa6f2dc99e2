// SPDX-License-Identifier: Apache-2.0

import Glibc
import PortReference
import Testing
import TestSupport
import Wire

@testable import Readiness

/// What the sockets of a check tell of a peer.
@Suite struct SocketTests {
  private func closedPort(_ kind: __socket_type) -> Int {
    // Bound and closed again: nobody listens there.
    let descriptor = socket(AF_INET, CInt(kind.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutableBytes(of: &address) { bytes in
      guard let base = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return }
      _ = bind(descriptor, base, size)
      getsockname(descriptor, base, &size)
    }
    return Int(UInt16(bigEndian: address.sin_port))
  }

  @Test func aResetIsSeen() async {
    let log = ConversationLog()
    let target = CheckSupport.target(port: closedPort(SOCK_STREAM))
    let socket = await ProbeSockets().connect(target, deadline: .now + .seconds(5), log)
    #expect(socket == nil)
    #expect(log.snapshot.observations == [.reset])
    #expect(log.snapshot.depth == .path)
    #expect(log.snapshot.phases.map(\.name) == [.connect])
  }

  @Test func portUnreachableIsSeenWithItsSender() async {
    let log = ConversationLog()
    let target = CheckSupport.target(port: closedPort(SOCK_DGRAM))
    let answer = await ProbeSockets().ask(
      target, [1], sent: "a byte", deadline: .now + .seconds(5), log
    ) { _ in "anything" }
    #expect(answer == nil)
    #expect(
      log.snapshot.observations == [.icmp(type: 3, code: 3, ipv6: false, from: "127.0.0.1", isLocal: true)])
  }

  @Test func aSilentDatagramIsSentThreeTimes() async throws {
    let peer = try await ScriptedPeer.udp { _ in [] }
    let log = ConversationLog()
    let answer = await ProbeSockets().ask(
      CheckSupport.target(port: peer.port), [1], sent: "a byte", deadline: .now + .seconds(30), log
    ) { _ in "anything" }
    #expect(answer == nil)
    #expect(peer.received == 3)
    guard case .datagramTimeout? = log.snapshot.observations.first else {
      Issue.record("\(log.snapshot.observations)")
      return
    }
    await peer.stop()
  }

  /// A datagram that is no answer does not end the wait for the right one.
  @Test func othersAnswersAreWaitedThrough() async throws {
    let peer = try await ScriptedPeer.udp { _ in [Array("SSH-2.0".utf8), [42]] }
    let log = ConversationLog()
    let answer = await ProbeSockets().ask(
      CheckSupport.target(port: peer.port), [1], sent: "a byte", deadline: .now + .seconds(30), log
    ) { $0 == [42] ? "the answer" : nil }
    #expect(answer == [42])
    #expect(log.snapshot.observations.isEmpty)
    await peer.stop()
  }

  @Test func whatElseAnswersIsRecognised() async throws {
    let peer = try await ScriptedPeer.udp { _ in [Array("SSH-2.0-x".utf8)] }
    let log = ConversationLog()
    _ = await ProbeSockets().ask(
      CheckSupport.target(port: peer.port), [1], sent: "a byte", deadline: .now + .seconds(30), log
    ) { _ in nil }
    #expect(log.snapshot.observations == [.wrongAnswer(recognised: "SSH", summary: "9 bytes: \"SSH-2.0-x\"")])
    await peer.stop()
  }

  /// A wait that the deadline cut says nothing of the peer.
  @Test func aCutWaitIsNoSilence() async throws {
    let peer = try await ScriptedPeer.udp { _ in [] }
    let log = ConversationLog()
    _ = await ProbeSockets().ask(
      CheckSupport.target(port: peer.port), [1], sent: "a byte", deadline: .now + .milliseconds(100), log
    ) { _ in nil }
    #expect(log.snapshot.observations == [.deadline(.request)])
    await peer.stop()
  }

  @Test func cancellationEndsAWait() async throws {
    let peer = try await ScriptedPeer.udp { _ in [] }
    let task = Task {
      await ProbeSockets().ask(
        CheckSupport.target(port: peer.port), [1], sent: "a byte", deadline: .now + .seconds(3600),
        ConversationLog()
      ) { _ in nil }
    }
    try await eventually { peer.received > 0 }
    task.cancel()
    #expect(await task.value == nil)
    #expect(peer.received == 1)
    await peer.stop()
  }

  /// Linux's control message for an ICMP error, as recvmsg gives it (ip(7)); the bytes are of a real one.
  @Test func controlMessagesAreRead() {
    let header: [UInt8] = [48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0, 0]
    let error: [UInt8] = [0x71, 0, 0, 0, 2, 3, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    let sender: [UInt8] = [2, 0, 0, 0, 198, 51, 100, 7, 0, 0, 0, 0, 0, 0, 0, 0]
    let found = ErrorQueue.parse(header + error + sender)
    #expect(found?.type == 3 && found?.code == 13 && found?.sender == "198.51.100.7" && found?.isLocal == false)
    #expect(found?.meaning == "prohibited by policy")
    for length in 0..<48 { _ = ErrorQueue.parse(Array((header + error + sender).prefix(length))) }
    #expect(ErrorQueue.parse([UInt8](repeating: 0xff, count: 64)) == nil)
  }

  /// The burst at once, then so many a second, and no more before the deadline; each target has its own.
  @Test func targetsAreSpared() async {
    let budget = PacketBudget()
    let now = ContinuousClock.now
    var times: [Double] = []
    while let ready = await budget.reserve(1, for: "192.0.2.1", at: now, until: now + .seconds(2)) {
      times.append((ready - now) / .seconds(1))
    }
    #expect(times.count { $0 < 0.000_1 } == PacketBudget.burst)
    #expect(abs(times.count - (PacketBudget.burst + Int(2 * PacketBudget.rate))) <= 1)
    #expect(await budget.reserve(3, for: "192.0.2.2", at: now, until: now + .seconds(2)) == now)
    // A bucket fills again, and not beyond its brim.
    let later = now + .seconds(3600)
    for _ in 0..<PacketBudget.burst {
      #expect(await budget.reserve(1, for: "192.0.2.1", at: later, until: later + .seconds(1)) == later)
    }
    #expect(await budget.reserve(1, for: "192.0.2.1", at: later, until: later + .milliseconds(10)) == nil)
  }
}
