// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Wire

@testable import SMB

/// A server on loopback that does everything right, except what a test has it do otherwise.
final class FakeSMBServer: Sendable {
  /// An answer before it is protected and sent.
  struct Reply {
    var header: SMBHeader
    var body: any SMBBody
    var isSigned = true
    /// Frames that go out instead of this answer; nil sends the answer.
    var frames: [[UInt8]]?
    /// A frame that goes out before this answer.
    var interim: [UInt8]?
    /// Changes the protected frame.
    var damage: @Sendable (inout [UInt8]) -> Void = { _ in }

    init(_ header: SMBHeader, _ body: any SMBBody) {
      self.header = header
      self.body = body
    }
  }

  struct Behaviour: Sendable {
    var dialect = Dialect.smb311
    var signing: SigningAlgorithm? = .aesGMAC
    var cipher: Cipher? = .aes128GCM
    /// Changes an answer; the request is what it answers.
    var alter: @Sendable (SMBMessage, inout Reply) -> Void = { _, _ in }
    /// What the wire changes in the client's NEGOTIATE before the server sees it.
    var seen: @Sendable (inout [UInt8]) -> Void = { _ in }
    /// Sent to each client that connects, before anything is asked; the connection is then closed if so wanted.
    var greeting: [UInt8] = []
    var isSilent = false
    var closesAtOnce = false
    /// What the pipe's service makes of a message.
    var service: @Sendable ([UInt8]) -> [UInt8] = { Array($0.reversed()) }
  }

  static let sessionID: UInt64 = 0x4_0000_0011
  static let treeID: UInt32 = 9
  /// The security context's key in all tests: 32 bytes, as with AES-256.
  static let key = (0..<32).map { UInt8($0 &* 7) }

  private let channel: any Channel
  let port: Int
  private let log: Log

  final class Log: Sendable {
    let commands = Mutex<[SMBCommand]>([])
    let wasEncrypted = Mutex<[Bool]>([])
  }

  /// The commands that the server understood, in their order.
  var commands: [SMBCommand] { log.commands.withLock { $0 } }
  var encryptedCount: Int { log.wasEncrypted.withLock { $0.count(where: \.self) } }

  private init(_ channel: any Channel, _ log: Log) {
    self.channel = channel
    port = channel.localAddress?.port ?? 0
    self.log = log
  }

  static func with<R>(
    _ behaviour: Behaviour, _ body: (FakeSMBServer) async throws -> R
  ) async throws -> R {
    let log = Log()
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Handler(behaviour, log))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    do {
      let result = try await body(FakeSMBServer(channel, log))
      try await channel.close()
      return result
    } catch {
      try await channel.close()
      throw error
    }
  }

  let flows = RecordedFlows()

  func connect(
    _ provider: any SecurityContextProvider = FakeProvider(), adjust: (inout SMBOptions) -> Void = { _ in }
  ) async throws -> SMBConnection {
    var options = SMBOptions()
    options.connectTimeout = .seconds(60)
    options.handshakeTimeout = .seconds(60)
    adjust(&options)
    return try await SMBConnection.connect(
      to: ServerAddress(host: "dc1.corp.example", address: "127.0.0.1", port: port), provider: provider,
      flow: Flow(row: "connect-ad/smb", recorder: flows), options: options, logger: Logger(label: "test"))
  }

  /// Connects where no connection may come about, and makes sure that no flow was told.
  func refusal(
    adjust: (inout SMBOptions) -> Void = { _ in }
  ) async -> SMBError? {
    do {
      let connection = try await connect(adjust: adjust)
      await connection.close()
      return nil
    } catch {
      return flows.uses.isEmpty ? error as? SMBError : nil
    }
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let behaviour: Behaviour
    private let log: Log
    private var framer = DirectTCPFramer()
    private var hash = PreauthenticationHash()
    private var negotiated: NegotiateResponse?
    private var signer: MessageSigner?
    private var sealer: MessageSealer?
    private var unread: [[UInt8]] = []

    init(_ behaviour: Behaviour, _ log: Log) {
      self.behaviour = behaviour
      self.log = log
    }

    func channelActive(context: ChannelHandlerContext) {
      if !behaviour.greeting.isEmpty {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: behaviour.greeting)), promise: nil)
      }
      if behaviour.closesAtOnce { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      guard !behaviour.isSilent else { return }
      framer.append(unwrapInboundIn(data))
      do {
        while let frame = try framer.next() { try answer(frame, context) }
      } catch {
        context.close(promise: nil)
      }
    }

    private func answer(_ frame: [UInt8], _ context: ChannelHandlerContext) throws {
      var plain = frame
      let isEncrypted = frame.starts(with: TransformHeader.protocolIdentifier)
      if isEncrypted {
        guard let opened = try sealer?.open(frame) else { throw ByteError.malformed(offset: 0, reason: "key") }
        plain = opened
      } else if let signer {
        guard signer.verifies(frame) else { throw ByteError.malformed(offset: 0, reason: "signature") }
      }
      if plain.count > 12, plain[12] == 0 { behaviour.seen(&plain) }
      let request = try SMBMessage(plain)
      log.commands.withLock { $0.append(request.header.command) }
      log.wasEncrypted.withLock { $0.append(isEncrypted) }
      guard request.header.command != .cancel else { return }
      if signer == nil { hash.update(plain) }
      var header = request.header
      header.flags = .response
      header.credits = 16
      header.status = .success
      if header.command != .negotiate { header.sessionID = FakeSMBServer.sessionID }
      var reply = Reply(header, EmptyBody())
      reply.body = try body(request, &reply.header)
      behaviour.alter(request, &reply)
      try send(reply, isEncrypted: isEncrypted, context)
    }

    private func send(_ reply: Reply, isEncrypted: Bool, _ context: ChannelHandlerContext) throws {
      var frames = reply.frames ?? []
      if reply.frames == nil {
        var writer = ByteWriter()
        reply.header.encode(into: &writer)
        reply.body.encode(into: &writer)
        var frame = writer.bytes
        if reply.header.command == .negotiate { hash.update(frame) }
        if reply.header.command == .sessionSetup { establish() }
        if isEncrypted, reply.isSigned {
          frame = try sealer?.seal(frame) ?? []
        } else if reply.isSigned {
          try signer?.sign(&frame)
        }
        reply.damage(&frame)
        frames = (reply.interim.map { [$0] } ?? []) + [frame]
      }
      var buffer = context.channel.allocator.buffer(capacity: 256)
      for frame in frames { DirectTCPFramer.frame(frame, into: &buffer) }
      context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    private func establish() {
      let dialect = behaviour.dialect
      let keys = SessionKeys(
        SecretBytes(FakeSMBServer.key), dialect: dialect, cipher: behaviour.cipher, preauthentication: hash)
      let algorithm: SigningAlgorithm =
        dialect < .smb300 ? .hmacSHA256 : dialect < .smb311 ? .aesCMAC : behaviour.signing ?? .aesCMAC
      signer = MessageSigner(algorithm, key: keys.signing)
      guard let cipher = behaviour.cipher, let outgoing = keys.decryption, let incoming = keys.encryption,
        let outgoing = AuthenticatedEncryption(cipher, key: outgoing),
        let incoming = AuthenticatedEncryption(cipher, key: incoming)
      else { return }
      sealer = MessageSealer(outgoing: outgoing, incoming: incoming, sessionID: FakeSMBServer.sessionID)
    }

    private func body(_ request: SMBMessage, _ header: inout SMBHeader) throws -> any SMBBody {
      switch request.header.command {
      case .negotiate:
        var contexts: [NegotiateContext] = [.preauthenticationIntegrity(hashes: [1], salt: [1])]
        if let cipher = behaviour.cipher { contexts.append(.encryption([cipher.rawValue])) }
        if let signing = behaviour.signing { contexts.append(.signing([signing.rawValue])) }
        let isMiddle = behaviour.dialect == .smb300 || behaviour.dialect == .smb302
        let response = NegotiateResponse(
          securityMode: [.signingEnabled], dialect: behaviour.dialect.rawValue, serverGUID: Samples.guid,
          capabilities: isMiddle && behaviour.cipher != nil ? .encryption : [], systemTime: FileTime(ticks: 1),
          contexts: behaviour.dialect == .smb311 ? contexts : [])
        negotiated = response
        return response
      case .sessionSetup:
        return SessionSetupResponse(securityToken: FakeProvider.answer)
      case .treeConnect:
        header.treeID = FakeSMBServer.treeID
        return TreeConnectResponse(shareType: TreeConnectResponse.pipeShare)
      case .create: return CreateResponse(file: Samples.file)
      case .ioctl:
        let ioctl = try IoctlRequest(request)
        if ioctl.control == .validateNegotiateInfo, let negotiated {
          return IoctlResponse(
            control: ioctl.control, file: ioctl.file, output: ValidateNegotiateInfoResponse(negotiated).encoded)
        }
        return IoctlResponse(
          control: ioctl.control, file: ioctl.file, output: part(behaviour.service(ioctl.input), &header))
      case .read: return ReadResponse(data: part(unread.isEmpty ? [0] : unread.removeFirst(), &header))
      case .write:
        let write = try WriteRequest(request)
        unread.append(behaviour.service(write.data))
        return WriteResponse(count: UInt32(write.data.count))
      case .close: return CloseResponse()
      default: return EmptyBody()
      }
    }

    /// Longer messages come in parts of this size.
    private static let partSize = 1000

    private func part(_ message: [UInt8], _ header: inout SMBHeader) -> [UInt8] {
      guard message.count > Self.partSize else { return message }
      header.status = .bufferOverflow
      unread.insert(Array(message.dropFirst(Self.partSize)), at: 0)
      return Array(message.prefix(Self.partSize))
    }
  }
}

/// A sign-in of one exchange, whose key is ``FakeSMBServer/key`` unless another is given.
struct FakeProvider: SecurityContextProvider {
  static let question: [UInt8] = [0x60, 1]
  static let answer: [UInt8] = [0xA1, 2]
  var key = FakeSMBServer.key

  func initiate(_ to: ServicePrincipal, _ parameters: SecurityParameters) async throws -> any SecurityContext {
    guard to == ServicePrincipal(service: "cifs", host: "dc1.corp.example"), parameters.mechanism == .spnego else {
      throw SecurityError(.unknownService, "no \(to)", remedy: "none")
    }
    return Context(key: key)
  }

  private final class Context: SecurityContext {
    let key: [UInt8]
    init(key: [UInt8]) { self.key = key }

    func step(_ token: [UInt8]?) throws(SecurityError) -> SecurityStep {
      guard let token else { return .send(FakeProvider.question) }
      guard token == FakeProvider.answer else { throw refused }
      return .complete
    }
    private var refused: SecurityError { SecurityError(.rejectedToken, "not for this test", remedy: "none") }
    var protection: Protection { .integrity }
    var summary: String { "a test's key" }
    func wrap(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { throw refused }
    func unwrap(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { throw refused }
    func wrapSigned(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { throw refused }
    func unwrapSigned(_ message: [UInt8]) throws(SecurityError) -> [UInt8] { throw refused }
    func tokenLength(_ segments: [Segment]) throws(SecurityError) -> Int { throw refused }
    func seal(_ buffer: inout [UInt8], _ segments: [Segment]) throws(SecurityError) -> [UInt8] { throw refused }
    func unseal(_ buffer: inout [UInt8], _ segments: [Segment], token: [UInt8]) throws(SecurityError) { throw refused }
    func sessionKey() throws(SecurityError) -> SecretBytes { SecretBytes(key) }
  }
}
