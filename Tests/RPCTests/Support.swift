// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization
import Wire

@testable import RPC

/// A peer on the loopback interface that answers each fragment by a rule of the test's.
final class ScriptedServer: Sendable {
  /// What to send for a fragment; nil closes the connection.
  typealias Answer = @Sendable (Fragment) throws -> [[UInt8]]?

  private let channel: any Channel
  let port: Int

  init(greeting: [UInt8] = [], _ answer: @escaping Answer) async throws {
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Handler(greeting: greeting, answer))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    port = channel.localAddress?.port ?? 0
  }

  deinit { channel.close(promise: nil) }

  /// Returns when nobody listens any more.
  func close() async throws { try await channel.close() }

  var server: ServerAddress { ServerAddress(host: "dc1.corp.example", address: "127.0.0.1", port: port) }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let greeting: [UInt8]
    private let answer: Answer
    private var assembler = FragmentAssembler(limit: 65_535)

    init(greeting: [UInt8], _ answer: @escaping Answer) {
      self.greeting = greeting
      self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
      if !greeting.isEmpty { context.writeAndFlush(NIOAny(ByteBuffer(bytes: greeting)), promise: nil) }
    }

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

/// Answers of a server that behaves.
enum Answers {
  static func bindAck(
    to fragment: Fragment, flags: PDUFlags = .whole, result: UInt16 = 0, reason: UInt16 = 0,
    fragmentSize: UInt16 = 5840,
    token: [UInt8]? = nil
  ) -> [UInt8] {
    let ack = BindAckPDU(
      maximumSent: fragmentSize, maximumReceived: fragmentSize, groupID: 1, secondaryAddress: "49153",
      results: [.init(result: result, reason: reason, transferSyntax: .ndr)])
    let type: PDUType = fragment.header.type == .alterContext ? .alterContextResponse : .bindAck
    var answer = Fragment(
      type, flags: flags, callID: fragment.header.callID, body: ack.encoded,
      security: token.map { _ in (.kerberos, BindHandshake.securityContextID) }, tokenLength: token?.count ?? 0)
    if let token { _ = answer.setToken(token) }
    return answer.bytes
  }

  static func response(_ callID: UInt32, _ stub: [UInt8], flags: PDUFlags = .whole) -> [UInt8] {
    let response = ResponsePDU(allocationHint: UInt32(stub.count), contextID: 0, stub: stub)
    return Fragment(.response, flags: flags, callID: callID, body: response.encoded).bytes
  }

  static func fault(_ callID: UInt32, _ status: UInt32) -> [UInt8] {
    Fragment(.fault, callID: callID, body: FaultPDU(status: status).encoded).bytes
  }
}

/// A context whose seal is a transposition and whose token repeats what was covered: enough to see what passes through it.
final class MarkedContext: SecurityContext {
  static let tokenSize = 12
  private let steps: Mutex<[SecurityStep]>
  let protection: Protection
  let summary = "marked sign and seal"
  /// The segments that were sealed.
  let sealed = Mutex<[[Segment]]>([])

  init(_ steps: [SecurityStep], protection: Protection = .confidentiality) {
    self.steps = Mutex(steps)
    self.protection = protection
  }

  func step(_ token: [UInt8]?) throws(SecurityError) -> SecurityStep {
    let next = steps.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    guard let next else { throw SecurityError(.rejectedToken, "no step is left", remedy: "") }
    return next
  }

  func wrap(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { message }
  func unwrap(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { message }
  func wrapSigned(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { message }
  func unwrapSigned(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { message }
  func tokenLength(_ segments: [Segment]) throws(SecurityError) -> Int { Self.tokenSize }

  func seal(_ buffer: inout [UInt8], _ segments: [Segment]) throws(SecurityError) -> [UInt8] {
    sealed.withLock { $0.append(segments) }
    return token(transpose(&buffer, segments))
  }

  func unseal(_ buffer: inout [UInt8], _ segments: [Segment], token: [UInt8]) throws(SecurityError) {
    guard self.token(buffer.covered(segments)) == token else {
      throw SecurityError(.rejectedToken, "A message is damaged or forged.", remedy: "Close the connection.")
    }
    _ = transpose(&buffer, segments)
  }

  func sessionKey() throws(SecurityError) -> SecretBytes { SecretBytes([1, 2, 3]) }

  private func transpose(_ buffer: inout [UInt8], _ segments: [Segment]) -> [UInt8] {
    for segment in segments where segment.treatment == .sealed {
      for index in segment.range { buffer[index] ^= 0xa5 }
    }
    return buffer.covered(segments)
  }

  private func token(_ covered: [UInt8]) -> [UInt8] {
    let sum = covered.reduce(UInt64(1)) { $0 &* 31 &+ UInt64($1) }
    return withUnsafeBytes(of: sum.littleEndian) { Array($0) } + [UInt8](repeating: 9, count: Self.tokenSize - 8)
  }
}

extension [UInt8] {
  fileprivate func covered(_ segments: [Segment]) -> [UInt8] { segments.flatMap { self[$0.range] } }
}

struct MarkedProvider: SecurityContextProvider {
  let context: MarkedContext
  func initiate(_ to: ServicePrincipal, _ parameters: SecurityParameters) async throws -> any SecurityContext {
    guard parameters.isDCEStyle else { throw SecurityError(.internalFailure, "RPC needs DCE style", remedy: "") }
    return context
  }
}
