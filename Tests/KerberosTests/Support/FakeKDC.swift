// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import Wire

@testable import Kerberos

/// A peer on loopback that does to a client whatever a script says, on a thread of its own, until it is let go.
///
/// Each has an address of its own, so that no socket of another test can be in the way of its port.
final class FakeKDC: Sendable {
  enum Action: Sendable {
    case answer([UInt8])
    case answerByteByByte([UInt8])
    case close
    case stall
  }

  let kdc: KDCAddress
  private let number: UInt32
  private let socket: ListeningSocket
  private let received = Mutex<[[UInt8]]>([])

  /// 127.1.0.1 and up.
  private static let lastAddress = Atomic<UInt32>(0x7f01_0000)

  /// - Parameter peer: whose address and port to share, over the other transport.
  init(
    _ transport: TransportProtocol, beside peer: FakeKDC? = nil,
    _ script: @escaping @Sendable ([UInt8]) -> [Action]
  ) throws {
    let descriptor = Glibc.socket(AF_INET, Int32((transport == .udp ? SOCK_DGRAM : SOCK_STREAM).rawValue), 0)
    socket = ListeningSocket(descriptor: descriptor, transport: transport)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    let number = peer?.number ?? Self.lastAddress.add(1, ordering: .relaxed).newValue
    self.number = number
    address.sin_addr.s_addr = number.bigEndian
    address.sin_port = UInt16(peer?.kdc.port ?? 0).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) + getsockname(descriptor, $0, &size)
      }
    }
    let text = (0..<4).reversed().map { String(number >> ($0 * 8) & 0xff) }.joined(separator: ".")
    kdc = KDCAddress(host: "", address: text, port: Int(UInt16(bigEndian: address.sin_port)))
    guard bound == 0 else { throw ByteError.malformed(offset: 0, reason: "bind: \(errno)") }
    if transport == .tcp { listen(descriptor, 8) }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Script(server: self, run: script))
    pthread_create(
      &thread, nil,
      { argument in
        let script = Unmanaged<Script>.fromOpaque(argument!).takeRetainedValue()
        script.loop()
        return nil
      }, box.toOpaque())
    pthread_detach(thread)
  }

  // Wakes the thread, which may still need the descriptor: were it closed here, its number could by then be that of
  // another server's socket, whose request this thread would swallow.
  deinit { shutdown(socket.descriptor, Int32(SHUT_RDWR)) }

  /// Closed when neither the server nor its thread needs it any more.
  private final class ListeningSocket: Sendable {
    let descriptor: Int32
    let transport: TransportProtocol

    init(descriptor: Int32, transport: TransportProtocol) {
      self.descriptor = descriptor
      self.transport = transport
    }

    deinit { close(descriptor) }
  }

  /// The requests as they came, without framing.
  var requests: [[UInt8]] { received.withLock { $0 } }

  /// Holds what the thread needs, and the server only weakly, so that letting go of it ends the thread.
  private final class Script {
    private weak var server: FakeKDC?
    private let socket: ListeningSocket
    private let run: @Sendable ([UInt8]) -> [Action]
    private var stalled: [Int32] = []

    init(server: FakeKDC, run: @escaping @Sendable ([UInt8]) -> [Action]) {
      self.server = server
      socket = server.socket
      self.run = run
    }

    deinit { for descriptor in stalled { close(descriptor) } }

    func loop() {
      while socket.transport == .udp ? serveDatagram() : serveConnection() {}
    }

    private func note(_ request: [UInt8]) -> Bool {
      guard let server else { return false }
      server.received.withLock { $0.append(request) }
      return true
    }

    private func serveDatagram() -> Bool {
      var buffer = [UInt8](repeating: 0, count: 65_536)
      var peer = sockaddr_in()
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      return withUnsafeMutablePointer(to: &peer) { peer in
        peer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
          let count = recvfrom(socket.descriptor, &buffer, buffer.count, 0, peer, &size)
          guard count > 0, note(Array(buffer[..<count])) else { return false }
          for action in run(Array(buffer[..<count])) {
            if case .answer(let bytes) = action { sendto(socket.descriptor, bytes, bytes.count, 0, peer, size) }
          }
          return true
        }
      }
    }

    private func serveConnection() -> Bool {
      let connection = accept(socket.descriptor, nil, nil)
      guard connection >= 0 else { return false }
      var buffer = [UInt8](repeating: 0, count: 65_536)
      var request: [UInt8] = []
      while request.count < 4 || request.count < 4 + request[..<4].reduce(0, { $0 << 8 | Int($1) }) {
        let count = recv(connection, &buffer, buffer.count, 0)
        guard count > 0 else { break }
        request += buffer[..<count]
      }
      guard note(Array(request.dropFirst(4))) else { return false }
      for action in run(Array(request.dropFirst(4))) {
        switch action {
        case .answer(let bytes): _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        case .answerByteByByte(let bytes):
          var one: Int32 = 1
          setsockopt(connection, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
          for byte in bytes { _ = send(connection, [byte], 1, Int32(MSG_NOSIGNAL)) }
        case .close: break
        case .stall:
          stalled.append(connection)
          return true
        }
      }
      close(connection)
      return true
    }
  }
}
