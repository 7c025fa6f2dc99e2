// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NIOCore
import NIOPosix
import PortReference
import RPC
import Readiness
import Testing
import Wire

/// The probers of MS-RPC: against the lab, and against endpoint mappers that lie.
@Suite(.enabled(if: Lab.current != nil)) struct RPCProberTests {
  private let lab: RPCLab

  init() throws { lab = try RPCLab() }

  private func target(_ port: Int) -> ProbeTarget {
    ProbeTarget(
      role: .activeDirectory, host: lab.server.host, address: lab.server.address, port: port,
      ports: [Ports(49152...65535)], domain: lab.forest.name, forest: lab.forest.name)
  }

  private func converse(
    _ prober: any Prober, _ target: ProbeTarget, as account: LabDescription.Account? = nil, seconds: Int = 10
  ) async throws -> Conversation {
    let log = ConversationLog()
    let provider = try account.map { try lab.kerberos.provider(principal: $0.principal, password: $0.password()) }
    let context = ProbeContext(
      sockets: ProbeSockets(), group: MultiThreadedEventLoopGroup.singleton, deadline: .now + .seconds(seconds),
      now: { Date() }, credentials: provider, trust: { _ in nil }, standIns: nil, logger: Logger(label: "probe"))
    await prober.converse(with: target, context, log)
    return log.snapshot
  }

  private func mapped(_ conversation: Conversation) -> Set<String> {
    Set(
      conversation.observations.compactMap {
        if case .endpointMapped(let interface, _, _) = $0 { interface } else { nil }
      })
  }

  // MARK: The lab

  @Test func provesTheEndpointMapper() async throws {
    let prober = EndpointMapperProber()
    let conversation = try await converse(prober, target(135))
    #expect(conversation.depth == .operation && conversation.depth >= prober.requiredDepth(withCredentials: false))
    #expect(mapped(conversation) == ["drsuapi", "lsarpc", "samr"])
    #expect(conversation.phases.map(\.name) == [.connect, .request, .negotiate, .negotiate, .negotiate])
    #expect(conversation.phases.allSatisfy { $0.seconds != nil })
  }

  @Test func provesTheDynamicPorts() async throws {
    let prober = DynamicRPCProber()
    let anonymous = try await converse(prober, target(49152))
    #expect(anonymous.depth == .service && prober.requiredDepth(withCredentials: false) == .service)
    #expect(mapped(anonymous) == ["drsuapi", "lsarpc", "samr"])
    let port = try #require(await lab.connector.ports(of: [.drsuapi], at: lab.server)[.drsuapi])
    #expect(anonymous.port == port)
    let known = try await converse(prober, target(49152), as: lab.forest.serviceAccount)
    #expect(known.depth == .operation && prober.requiredDepth(withCredentials: true) == .operation)
  }

  @Test func recognisesAnotherService() async throws {
    let conversation = try await converse(EndpointMapperProber(), target(lab.kerberos.controller.ports["ldap"] ?? 389))
    #expect(conversation.depth < .service && !conversation.observations.isEmpty, "\(conversation)")
  }

  @Test func seesNoListener() async throws {
    let conversation = try await converse(EndpointMapperProber(), target(3))
    #expect(conversation.observations == [.reset] && conversation.depth == .path)
  }

  // MARK: Mappers that lie

  /// One with the mapper's port on an address of its own, saying where everything is.
  private func lying(
    _ address: String, mappedTo endpoint: Endpoint?, status: UInt32 = 0
  ) async throws -> ProbeTarget {
    try await FakeMapper.start(at: address) { fragment in
      switch try PDU(fragment) {
      case .bind: [FakeMapper.bindAck(fragment)]
      case .request(let request):
        [FakeMapper.answer(fragment, request, mappedTo: endpoint, status: status)]
      default: nil
      }
    }
    var target = target(135)
    target.address = address
    return target
  }

  @Test func tellsAStaleMap() async throws {
    let target = try await lying("127.0.0.71", mappedTo: Endpoint(host: "127.0.0.71", port: 49_999))
    let conversation = try await converse(DynamicRPCProber(), target)
    #expect(
      conversation.observations.contains(
        .mappedEndpointUnreachable(interface: "drsuapi", address: "127.0.0.71", port: 49_999, .reset)))
    // Resets prove the path.
    #expect(conversation.observations.contains(.sampled(port: 49_152, .reset)) && conversation.depth == .path)
  }

  @Test func tellsAnInnerAddress() async throws {
    // RFC 5737: an address that nobody has.
    let target = try await lying("127.0.0.72", mappedTo: Endpoint(host: "192.0.2.1", port: 49_153))
    let conversation = try await converse(DynamicRPCProber(), target)
    let isTold = conversation.observations.contains {
      if case .mappedEndpointUnreachable(_, "192.0.2.1", 49_153, let sample) = $0 { sample != .reset } else { false }
    }
    #expect(isTold && conversation.depth < .service, "\(conversation.observations)")
  }

  @Test func tellsWhatIsNotRegistered() async throws {
    let target = try await lying("127.0.0.73", mappedTo: nil, status: 0x16c9_a0d6)
    let conversation = try await converse(EndpointMapperProber(), target)
    #expect(conversation.observations.contains(.interfaceNotRegistered("drsuapi")))
    #expect(conversation.depth == .service)
    let dynamic = try await converse(DynamicRPCProber(), target)
    #expect(dynamic.depth < .service && !dynamic.observations.contains(.interfaceNotRegistered("drsuapi")))
  }

  @Test func tellsARefusedBind() async throws {
    try await FakeMapper.start(at: "127.0.0.74") { fragment in
      [Fragment(.bindNak, callID: fragment.header.callID, body: BindNakPDU(reason: 4).encoded).bytes]
    }
    var target = target(135)
    target.address = "127.0.0.74"
    let conversation = try await converse(EndpointMapperProber(), target)
    let isTold = conversation.observations.contains {
      if case .bindRefused("epmapper", _) = $0 { true } else { false }
    }
    #expect(isTold && conversation.depth < .service)
  }

  @Test func tellsSilence() async throws {
    try await FakeMapper.start(at: "127.0.0.75") { _ in [] }
    var target = target(135)
    target.address = "127.0.0.75"
    let conversation = try await converse(EndpointMapperProber(), target, seconds: 3)
    #expect(conversation.depth == .port)
    let isTold = conversation.observations.contains {
      switch $0 {
      case .silenceAfterData, .deadline: true
      default: false
      }
    }
    #expect(isTold, "\(conversation.observations)")
  }

  /// Garbage never works, and never keeps a probe beyond its time.
  @Test func survivesGarbage() async throws {
    var random = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: .min ... .max, using: &random)
    try await FakeMapper.start(at: "127.0.0.76") { fragment in
      var state = seed &+ UInt64(fragment.header.callID) &+ UInt64(fragment.bytes.count)
      let garbage = (0..<64).map { _ -> UInt8 in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
      }
      switch try PDU(fragment) {
      case .bind: return state % 3 == 0 ? [garbage] : [FakeMapper.bindAck(fragment)]
      case .request(let request):
        var answer = FakeMapper.answer(fragment, request, mappedTo: Endpoint(host: "127.0.0.76", port: 1), status: 0)
        for (index, byte) in garbage.prefix(Int(state % 8) + 1).enumerated() {
          answer[(Int(byte) * 7 + index) % answer.count] ^= byte | 1
        }
        return [answer]
      default: return nil
      }
    }
    var target = target(135)
    target.address = "127.0.0.76"
    for _ in 0..<40 {
      let conversation = try await converse(DynamicRPCProber(), target, seconds: 2)
      #expect(conversation.depth < .service, "seed \(seed): \(conversation)")
    }
  }
}

/// An endpoint mapper of a test's own. It lives as long as the process: each has its own address.
enum FakeMapper {
  typealias Answer = @Sendable (Fragment) throws -> [[UInt8]]?

  static func start(at address: String, _ answer: @escaping Answer) async throws {
    _ = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Handler(answer))
        }
      }
      .bind(host: address, port: 135).get()
  }

  static func bindAck(_ fragment: Fragment) -> [UInt8] {
    let ack = BindAckPDU(
      maximumSent: 5840, maximumReceived: 5840, groupID: 1, secondaryAddress: "135",
      results: [.init(result: 0, reason: 0, transferSyntax: .ndr)])
    return Fragment(.bindAck, callID: fragment.header.callID, body: ack.encoded).bytes
  }

  /// The tower that was asked about, with another end (C706 appendix O).
  static func answer(
    _ fragment: Fragment, _ request: RequestPDU, mappedTo endpoint: Endpoint?, status: UInt32
  ) -> [UInt8] {
    // Behind the two pointers and the two lengths of the question.
    var tower = Array(request.stub.dropFirst(16).prefix(75))
    if let endpoint, tower.count == 75 {
      tower[64] = UInt8(endpoint.port >> 8)
      tower[65] = UInt8(endpoint.port & 0xff)
      let address = endpoint.host.split(separator: ".").compactMap { UInt8($0) }
      tower.replaceSubrange(71..<75, with: address)
    }
    var writer = NDRWriter()
    writer.writeBytes([UInt8](repeating: 0, count: 20))
    let count: UInt32 = endpoint == nil ? 0 : 1
    for value in [count, 16, 0, count] { writer.write(value) }
    if endpoint != nil {
      writer.writePointer()
      writer.write(UInt32(tower.count))
      writer.write(UInt32(tower.count))
      writer.writeBytes(tower)
    }
    writer.write(status)
    let response = ResponsePDU(allocationHint: 0, contextID: 0, stub: writer.bytes)
    return Fragment(.response, callID: fragment.header.callID, body: response.encoded).bytes
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let answer: Answer
    private var assembler = FragmentAssembler()

    init(_ answer: @escaping Answer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      var buffer = unwrapInboundIn(data)
      assembler.append(buffer.readBytes(length: buffer.readableBytes) ?? [])
      while let bytes = try? assembler.next(), let fragment = try? Fragment(bytes) {
        guard let answers = try? answer(fragment) else { return context.close(promise: nil) }
        for answer in answers { context.write(NIOAny(ByteBuffer(bytes: answer)), promise: nil) }
        context.flush()
      }
    }
  }
}
