// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The initiator's side of a net.tcp session up to its envelopes: MC-NMF 3.2, in duplex mode, with MS-NNS 3.1 inside.
///
/// It does no I/O: bytes go in, actions come out.
/// ```
/// idle → upgrading → authenticating → opening → open → ended
///            └────────── (no upgrade) ──┘
/// ```
package struct NetTCPInitiator: ~Copyable {
  /// What is done about protection.
  package enum Upgrade: Sendable {
    /// Ask for `application/negotiate` and stop at the peer's consent.
    case ask
    /// Ask for it, authenticate with the context, and seal everything after.
    case negotiate(any SecurityContext)

    /// MC-NMF 2.2.3.5.
    package static let name = "application/negotiate"
  }

  package enum Action: Equatable, Sendable {
    case send([UInt8])
    /// The peer is willing to authenticate; nothing more happens with ``Upgrade/ask``.
    case upgradeAccepted
    /// The context is complete; what follows is sealed.
    case authenticated
    /// The peer acknowledged the preamble: envelopes may travel.
    case opened
    case envelope([UInt8])
    case ended
  }

  private enum Phase { case idle, upgrading, consented, authenticating, opening, open, ended, failed }

  private let via: String
  private let encoding: KnownEncoding
  private let upgrade: Upgrade
  private var phase = Phase.idle
  private var records = RecordDecoder()
  /// Bytes of MS-NNS that have not made a whole message.
  private var protected: [UInt8] = []
  private var contextIsComplete = false
  private var handshakeMessages = 0

  /// - Parameter via: `net.tcp://host:port/path`, of at most ``FramingLimits/via`` bytes.
  package init(via: String, encoding: KnownEncoding = .binarySession, upgrade: Upgrade) {
    self.via = via
    self.encoding = encoding
    self.upgrade = upgrade
  }

  /// Whether the peer's bytes are expected to be sealed from here on.
  package var isProtected: Bool { phase == .opening || phase == .open }

  /// The preamble and the request for an upgrade: MC-NMF 2.2.6, 2.2.3.5.
  package mutating func start() -> [UInt8] {
    phase = .upgrading
    return
      ([
        .version(major: 1, minor: 0), .mode(.duplex), .via(via), .knownEncoding(encoding),
        .upgradeRequest(Upgrade.name),
      ] as [FramingRecord]).flatMap(\.bytes)
  }

  /// Takes what the peer sent.
  ///
  /// - Throws: ``WCFError``, or ``SecurityError`` of the context; the session is over then.
  package mutating func receive(_ bytes: [UInt8]) throws -> [Action] {
    do {
      switch phase {
      case .upgrading: return try consent(bytes)
      case .authenticating, .opening, .open: return try unprotect(bytes)
      case .consented, .idle:
        throw WCFError(.malformed, "The peer sent \(bytes.count) bytes out of turn.")
      case .ended, .failed: return []
      }
    } catch {
      phase = .failed
      throw error
    }
  }

  /// Seals one envelope (MC-NMF 2.2.4.1).
  package func envelope(_ payload: [UInt8]) throws -> [UInt8] {
    guard phase == .open, !payload.isEmpty, payload.count <= FramingLimits.envelope else {
      throw WCFError(.tooLarge, "An envelope of \(payload.count) bytes cannot be sent now.")
    }
    return try protect(FramingRecord.sizedEnvelope(payload).bytes)
  }

  /// Says that nothing more will be sent (MC-NMF 2.2.3.9).
  package func end() throws -> [UInt8] { try protect(FramingRecord.end.bytes) }

  // MARK: Phases

  private mutating func consent(_ bytes: [UInt8]) throws -> [Action] {
    records.feed(bytes)
    guard let record = try records.next() else { return [] }
    switch record {
    case .upgradeResponse: break
    case .fault(let fault): throw WCFError(fault)
    default:
      throw WCFError(.malformed, "The peer answered the request for an upgrade with its \(record.name).")
    }
    let rest = records.takeRemaining()
    guard rest.isEmpty else {
      throw WCFError(.malformed, "The peer sent \(rest.count) bytes after its consent, before the handshake began.")
    }
    guard case .negotiate(let context) = upgrade else {
      phase = .consented
      return [.upgradeAccepted]
    }
    phase = .authenticating
    return [.upgradeAccepted] + (try advance(context, nil, peerIsDone: false))
  }

  private mutating func unprotect(_ bytes: [UInt8]) throws -> [Action] {
    guard case .negotiate(let context) = upgrade else { return [] }
    protected += bytes
    var actions: [Action] = []
    while !protected.isEmpty, phase != .ended {
      var reader = ByteReader(protected)
      do {
        if phase == .authenticating {
          let message = try NegotiateHandshake(&reader)
          protected.removeFirst(reader.position)
          actions += try handshake(message, context)
        } else {
          let payload = try NegotiateData.payload(&reader)
          protected.removeFirst(reader.position)
          records.feed(try context.unwrap(payload))
          while let record = try records.next() { actions += try receive(record) }
        }
      } catch ByteError.truncated {
        // Both headers bound what follows them.
        return actions
      }
    }
    return actions
  }

  private mutating func handshake(_ message: NegotiateHandshake, _ context: any SecurityContext) throws -> [Action] {
    handshakeMessages += 1
    guard handshakeMessages <= FramingLimits.handshakeMessages else {
      throw WCFError(.malformed, "The peer does not come to an end with the handshake.")
    }
    switch message.kind {
    case .error: throw message.refusal
    case .inProgress:
      guard !message.payload.isEmpty, !contextIsComplete else {
        throw WCFError(.malformed, "The peer sent a handshake message without a token, or after the last one.")
      }
      return try advance(context, message.payload, peerIsDone: false)
    case .done:
      if message.payload.isEmpty {
        guard contextIsComplete else {
          throw WCFError(.malformed, "The peer ended the handshake before it proved its identity.")
        }
        return try authenticated(context)
      }
      guard !contextIsComplete else { throw WCFError(.malformed, "The peer sent a token after the last one.") }
      return try advance(context, message.payload, peerIsDone: true)
    }
  }

  private mutating func advance(
    _ context: any SecurityContext, _ token: [UInt8]?, peerIsDone: Bool
  ) throws -> [Action] {
    switch try context.step(token) {
    case .send(let next):
      guard !peerIsDone else { throw WCFError(.malformed, "The peer ended the handshake before this side could.") }
      return [.send(try message(.inProgress, next))]
    case .sendAndComplete(let last):
      contextIsComplete = true
      let sending = Action.send(try message(.done, last))
      return peerIsDone ? [sending] + (try authenticated(context)) : [sending]
    case .complete:
      contextIsComplete = true
      if peerIsDone { return try authenticated(context) }
      return [.send(try message(.done, []))]
    }
  }

  private func message(_ kind: NegotiateHandshake.Kind, _ token: [UInt8]) throws -> [UInt8] {
    guard let bytes = NegotiateHandshake(kind, token).bytes else {
      throw WCFError(.tooLarge, "A token of \(token.count) bytes does not fit into a handshake message (MS-NNS 2.2.1).")
    }
    return bytes
  }

  private mutating func authenticated(_ context: any SecurityContext) throws -> [Action] {
    guard context.protection == .confidentiality else {
      throw WCFError(.unprotected, "The handshake ended without encryption.")
    }
    phase = .opening
    return [.authenticated, .send(try protect(FramingRecord.preambleEnd.bytes))]
  }

  private mutating func receive(_ record: FramingRecord) throws -> [Action] {
    switch (phase, record) {
    case (_, .fault(let fault)): throw WCFError(fault)
    case (.opening, .preambleAcknowledgement):
      phase = .open
      return [.opened]
    case (.open, .sizedEnvelope(let payload)): return [.envelope(payload)]
    case (.open, .end):
      phase = .ended
      return [.ended]
    default: throw WCFError(.malformed, "The peer sent its \(record.name) out of turn.")
    }
  }

  private func protect(_ bytes: [UInt8]) throws -> [UInt8] {
    guard case .negotiate(let context) = upgrade, phase == .opening || phase == .open else {
      throw WCFError(.unprotected, "Nothing is sent before the session is encrypted.")
    }
    var framed: [UInt8] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      framed += try NegotiateData.frame(context.wrap(Array(rest.prefix(FramingLimits.plainPayload))))
      rest = rest.dropFirst(FramingLimits.plainPayload)
    }
    return framed
  }
}
