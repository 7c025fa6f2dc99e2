// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Wire

@testable import DirectoryLocator

/// A question as the fake server read it.
struct DNSQuestion: Hashable, Sendable {
  let name: String
  let type: UInt16
  let transport: TransportProtocol
  /// 1 for the first time that this name and type was asked over this transport.
  var attempt = 1
}

/// What the fake server does with a question.
enum FakeAnswer: Sendable {
  case addresses([String])
  case services([ServiceRecord])
  case noData
  case rcode(UInt8)
  /// An empty answer with the TC bit.
  case truncated
  case garbage
  /// A correct answer under another identifier.
  case wrongIdentifier([String])
  /// A correct answer to another question.
  case wrongQuestion([String])
  case silence

  static let nameError = rcode(3)
}

/// A DNS server on 127.0.0.1 that misbehaves as told, on UDP and, unless told otherwise, on the same TCP port.
final class FakeDNS: Sendable {
  let endpoint: Endpoint
  private let log: Log
  private let channels: [any Channel]

  /// What was asked so far.
  var questions: [DNSQuestion] { log.questions }

  private final class Log: Sendable {
    private let storage = Mutex<[DNSQuestion]>([])
    var questions: [DNSQuestion] { storage.withLock { $0 } }
    func add(_ question: DNSQuestion) -> DNSQuestion {
      storage.withLock { list in
        var question = question
        let same = list.count {
          $0.name == question.name && $0.type == question.type && $0.transport == question.transport
        }
        question.attempt = same + 1
        list.append(question)
        return question
      }
    }
  }

  private init(endpoint: Endpoint, log: Log, channels: [any Channel]) {
    self.endpoint = endpoint
    self.log = log
    self.channels = channels
  }

  static func run<R: Sendable>(
    tcp: Bool = true, _ answer: @escaping @Sendable (DNSQuestion) -> FakeAnswer,
    _ body: (FakeDNS) async throws -> R
  ) async throws -> R {
    let server = try await start(tcp: tcp, answer)
    do {
      let result = try await body(server)
      for channel in server.channels { try? await channel.close() }
      return result
    } catch {
      for channel in server.channels { try? await channel.close() }
      throw error
    }
  }

  private static func start(tcp: Bool, _ answer: @escaping @Sendable (DNSQuestion) -> FakeAnswer) async throws
    -> FakeDNS
  {
    let log = Log()
    for _ in 0..<20 {
      let udp = try await DatagramBootstrap(group: testGroup)
        .channelInitializer { channel in
          channel.pipeline.addHandler(DatagramHandler { respond(to: $0, .udp, log, answer) })
        }.bind(host: "127.0.0.1", port: 0).get()
      let port = udp.localAddress?.port ?? 0
      let endpoint = Endpoint(host: "127.0.0.1", port: port)
      guard tcp else { return FakeDNS(endpoint: endpoint, log: log, channels: [udp]) }
      do {
        let stream = try await ServerBootstrap(group: testGroup)
          .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
              try channel.pipeline.syncOperations.addHandler(StreamHandler { respond(to: $0, .tcp, log, answer) })
            }
          }.bind(host: "127.0.0.1", port: port).get()
        return FakeDNS(endpoint: endpoint, log: log, channels: [udp, stream])
      } catch { try await udp.close() }  // somebody has the TCP port
    }
    throw UnexpectedSuccess(value: "no port free on both UDP and TCP")
  }

  /// RFC 1035 4.2.2: two bytes of length in front of each message.
  private final class StreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let answer: @Sendable ([UInt8]) -> [[UInt8]]
    private var pending = ByteBuffer()

    init(_ answer: @escaping @Sendable ([UInt8]) -> [[UInt8]]) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      var data = unwrapInboundIn(data)
      pending.writeBuffer(&data)
      while let message = pending.readLengthPrefixedSlice(as: UInt16.self) {
        for reply in answer(Array(message.readableBytesView)) {
          var buffer = ByteBuffer(integer: UInt16(reply.count))
          buffer.writeBytes(reply)
          context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        }
      }
    }
  }

  private static func respond(
    to message: [UInt8], _ transport: TransportProtocol, _ log: Log,
    _ answer: @Sendable (DNSQuestion) -> FakeAnswer
  ) -> [[UInt8]] {
    guard let (question, section) = try? parse(message, transport) else { return [] }
    let id = Array(message[0..<2])
    switch answer(log.add(question)) {
    case .silence: return []
    case .garbage: return [[0xDE, 0xAD], id + [0x81, 0x80, 0, 1, 0, 9, 0, 0, 0, 0, 0xC0, 0xFF, 0x3F]]
    case .truncated: return [header(id, flags: 0x8380, answers: 0) + section]
    case .noData: return [header(id, flags: 0x8180, answers: 0) + section]
    case .rcode(let code): return [header(id, flags: 0x8180 | UInt16(code), answers: 0) + section]
    case .wrongIdentifier(let addresses):
      return [header(id.map { ~$0 }, flags: 0x8180, answers: addresses.count) + section + records(addresses)]
    case .wrongQuestion(let addresses):
      let other = encode("other.example") + section.suffix(4)
      return [header(id, flags: 0x8180, answers: addresses.count) + other + records(addresses)]
    case .addresses(let addresses):
      return [header(id, flags: 0x8180, answers: addresses.count) + section + records(addresses)]
    case .services(let services):
      return [header(id, flags: 0x8180, answers: services.count) + section + services.flatMap(record)]
    }
  }

  private static func parse(_ message: [UInt8], _ transport: TransportProtocol) throws -> (DNSQuestion, [UInt8]) {
    var reader = ByteReader(message)
    try reader.skip(12)
    var labels: [String] = []
    while case let length = Int(try reader.readByte()), length > 0 {
      labels.append(String(decoding: try reader.read(length), as: UTF8.self))
    }
    let type: UInt16 = try reader.readBigEndian()
    try reader.skip(2)
    let question = DNSQuestion(name: labels.joined(separator: ".").lowercased(), type: type, transport: transport)
    return (question, Array(message[12..<reader.position]))
  }

  private static func header(_ id: [UInt8], flags: UInt16, answers: Int) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(id)
    for value in [flags, 1, UInt16(answers), 0, 0] { writer.writeBigEndian(value) }
    return writer.bytes
  }

  /// NAME (a pointer to the question), TYPE, CLASS, TTL, RDLENGTH, RDATA.
  private static func resource(_ type: UInt16, _ data: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    for value in [0xC00C, type, 1, 0, 60, UInt16(data.count)] { writer.writeBigEndian(value) }
    writer.write(data)
    return writer.bytes
  }

  private static func records(_ addresses: [String]) -> [UInt8] {
    addresses.flatMap { address in
      let isV6 = address.contains(":")
      var bytes = [UInt8](repeating: 0, count: isV6 ? 16 : 4)
      guard inet_pton(isV6 ? AF_INET6 : AF_INET, address, &bytes) == 1 else { return [UInt8]() }
      return resource(isV6 ? 28 : 1, bytes)
    }
  }

  private static func record(_ service: ServiceRecord) -> [UInt8] {
    var writer = ByteWriter()
    for value in [service.priority, service.weight, service.port] { writer.writeBigEndian(value) }
    writer.write(encode(service.target))
    return resource(33, writer.bytes)
  }

  private static func encode(_ name: String) -> [UInt8] {
    name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
  }
}
