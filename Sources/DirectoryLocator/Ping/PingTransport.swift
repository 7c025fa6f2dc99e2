// SPDX-License-Identifier: Apache-2.0

import Glibc
import LDAP
import NIOCore
import NIOPosix
import Wire

/// Sends the LDAP ping over UDP (MS-ADTS 6.3.3.1) and waits for what comes back.
struct PingTransport: Sendable {
  enum Outcome: Sendable {
    case found(NetlogonReply, latency: Duration)
    case wrongDomain
    /// The host answered that nothing listens on the port.
    case refused
    case silent
    /// Only datagrams that are no answer came.
    case unreadable(String)
    /// The question could not be sent.
    case unsent(String)
  }

  let group: any EventLoopGroup
  /// The pauses after each copy of the question.
  let pauses: [Duration]
  let flow: Flow?

  /// - Parameters:
  ///   - address: numeric; the socket is connected to it, so datagrams of others never arrive.
  ///   - messageID: what the answer must carry, from 1 to 2^31-1.
  func ping(
    _ question: NetlogonPing, host: String, address: String, port: Int, messageID: Int32
  ) async throws -> Outcome {
    do {
      let outcome = try await exchange(question.datagram(messageID: messageID), address, port, messageID)
      if case .found = outcome {
        flow?.established(.udp, host: host, address: address, port: port, protection: "none")
      }
      return outcome
    } catch {
      // Whatever happens to one candidate, the search goes on with the others.
      try Task.checkCancellation()
      if let error = error as? IOError, error.errnoCode == ECONNREFUSED { return .refused }
      return .unsent(String(describing: error))
    }
  }

  private func exchange(
    _ datagram: [UInt8], _ address: String, _ port: Int, _ messageID: Int32
  ) async throws -> Outcome {
    let channel = try await DatagramBootstrap(group: group)
      .connect(to: SocketAddress(ipAddress: address, port: port)) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<AddressedEnvelope<ByteBuffer>, AddressedEnvelope<ByteBuffer>>(
            wrappingChannelSynchronously: channel)
        }
      }
    guard let remote = channel.channel.remoteAddress else { return .unsent("the socket was closed") }
    let envelope = AddressedEnvelope(remoteAddress: remote, data: ByteBuffer(bytes: datagram))
    let clock = ContinuousClock()
    let start = clock.now
    return try await channel.executeThenClose { inbound, _ in
      try await withThrowingTaskGroup(of: Outcome?.self) { group in
        // The listener ends with the answer, the sender with the schedule; a datagram that is no answer is noted.
        let rubbish = Rubbish()
        group.addTask {
          for try await reply in inbound {
            switch Self.read(reply.data, messageID) {
            case .success(.found(let reply)): return .found(reply, latency: start.duration(to: clock.now))
            case .success(.wrongDomain): return .wrongDomain
            case .success(.unrelated): await rubbish.note("an answer to another question")
            case .failure(let error): await rubbish.note(error.description)
            }
          }
          return nil
        }
        group.addTask {
          for pause in pauses {
            // Not through `outbound`, which would not tell why a firewall of this machine refuses to send.
            try await channel.channel.writeAndFlush(envelope).get()
            try await Task.sleep(for: pause)
          }
          return await rubbish.last.map { .unreadable($0) } ?? .silent
        }
        defer { group.cancelAll() }
        while let outcome = try await group.next() {
          if let outcome { return outcome }
        }
        return .silent
      }
    }
  }

  private static func read(_ data: ByteBuffer, _ messageID: Int32) -> Result<NetlogonAnswer, ByteError> {
    do throws(ByteError) {
      return .success(try NetlogonAnswer(datagram: Array(data.readableBytesView), messageID: messageID))
    } catch {
      return .failure(error)
    }
  }

  private actor Rubbish {
    private(set) var last: String?
    func note(_ what: String) { last = what }
  }
}
