// SPDX-License-Identifier: Apache-2.0

import Wire

/// What a client's connection knows (MS-SMB2 3.2.1), without any I/O: identifiers and credits, which requests wait for what,
/// and the protection of the session.
///
///     start → send(NEGOTIATE) → answer → negotiated(_:) → send(SESSION_SETUP) … → establish(…) → anything
///
/// Frames are whole messages, without the length before them. Every error is the end of the connection.
struct SMBClientState: ~Copyable {
  /// What arrived, and what may be sent now since credits arrived with it.
  struct Received {
    /// An answer, and the ticket of the request it belongs to.
    var answer: (ticket: UInt64, message: SMBMessage)?
    var frames: [[UInt8]] = []
  }

  private struct Outstanding {
    var ticket: UInt64
    var command: SMBCommand
    var treeID: UInt32
    var interimResponses = 0
    /// Given by an interim response.
    var asyncID: UInt64?
    /// Nobody waits for the answer any more.
    var isAbandoned = false
  }

  private enum Phase {
    /// Nothing is protected. From SMB 3.1.1 on the hash will tell whether anything was altered.
    case opening(PreauthenticationHash)
    /// Requests are signed. A server with which encryption was agreed may encrypt its answers.
    case signed(MessageSigner, MessageSealer?)
    /// Everything is encrypted, in both directions. There is no signer, so that nothing can be sent in the clear.
    case sealed(MessageSealer)
  }

  private let server: String
  private var phase = Phase.opening(PreauthenticationHash())
  private var dialect: Dialect?
  private var window = CreditWindow()
  private var outstanding: [UInt64: Outstanding] = [:]
  private var waiting: [(ticket: UInt64, request: SMBRequest)] = []
  private var sessionID: UInt64 = 0

  init(server: String) { self.server = server }

  // MARK: - Sending

  /// - Parameter ticket: the caller's own number of the request.
  /// - Returns: frames to send now: none while credits are missing.
  mutating func send(_ request: SMBRequest, ticket: UInt64) throws(SMBError) -> [[UInt8]] {
    guard waiting.count < SMBLimits.waitingRequests else {
      throw SMBError(
        .busy, "\(server) keeps \(waiting.count) requests waiting.", remedy: "Ask less at once, or another server.")
    }
    waiting.append((ticket, request))
    return try sendWaiting()
  }

  private mutating func sendWaiting() throws(SMBError) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    while let (ticket, request) = waiting.first, let messageID = window.take() {
      waiting.removeFirst()
      var header = SMBHeader(request.command, messageID: messageID)
      header.treeID = request.treeID
      header.credits = window.wanted(outstanding: outstanding.count)
      outstanding[messageID] = Outstanding(ticket: ticket, command: request.command, treeID: request.treeID)
      frames.append(try protect(header, request.body))
    }
    return frames
  }

  /// MS-SMB2 3.2.4.24: tells the server that nobody waits any more. An answer may come nevertheless and is dropped.
  mutating func cancel(ticket: UInt64) throws(SMBError) -> [[UInt8]] {
    waiting.removeAll { $0.ticket == ticket }
    guard let (messageID, entry) = outstanding.first(where: { $0.value.ticket == ticket && !$0.value.isAbandoned })
    else { return [] }
    outstanding[messageID]?.isAbandoned = true
    if case .opening = phase { return [] }
    var header = SMBHeader(.cancel, messageID: messageID)
    if let asyncID = entry.asyncID {
      header.flags = .asynchronous
      header.asyncID = asyncID
    } else {
      header.treeID = entry.treeID
    }
    return [try protect(header, EmptyBody())]
  }

  private mutating func protect(_ header: SMBHeader, _ body: any SMBBody) throws(SMBError) -> [UInt8] {
    var header = header
    header.sessionID = sessionID
    // MS-SMB2 3.2.4.1.5: from SMB 2.1 on each request says that it costs one credit; a CANCEL costs none.
    if let dialect, dialect >= .smb210, header.command != .cancel { header.creditCharge = 1 }
    var bytes = SMBMessage(header, body).bytes
    do {
      switch phase {
      case .opening(var hash):
        hash.update(bytes)
        phase = .opening(hash)
      case .signed(let signer, _): try signer.sign(&bytes)
      case .sealed(var sealer):
        bytes = try sealer.seal(bytes)
        // The nonce that was used is used up.
        phase = .sealed(sealer)
      }
    } catch {
      throw SMBError(
        .badProtection, "A request to \(server) cannot be protected: \(error).", remedy: "Connect again.")
    }
    return bytes
  }

  // MARK: - Receiving

  mutating func receive(_ frame: [UInt8]) throws(SMBError) -> Received {
    let message = try unprotect(frame)
    let header = message.header
    guard header.flags.contains(.response) else { throw .protocolViolation(server, "it sent a request") }
    guard header.nextCommand == 0 else { throw .protocolViolation(server, "a compound answer to a single request") }
    guard var entry = outstanding[header.messageID] else {
      throw .protocolViolation(server, "an answer to message \(header.messageID), which was not sent")
    }
    guard entry.command == header.command else {
      throw .protocolViolation(server, "an answer to \(header.command) where \(entry.command) was asked")
    }
    try checkSession(header)
    window.grant(header.credits)
    if header.status == .pending {
      try note(header, &entry)
      outstanding[header.messageID] = entry
      return Received(frames: try sendWaiting())
    }
    if let asyncID = entry.asyncID {
      guard header.flags.contains(.asynchronous), header.asyncID == asyncID else {
        throw .protocolViolation(server, "the final answer to message \(header.messageID) has another identity")
      }
    }
    outstanding[header.messageID] = nil
    // MS-SMB2 3.3.1.2: a server that takes the last credit away has locked its client out.
    guard window.available > 0 || !outstanding.isEmpty else {
      throw .protocolViolation(server, "it left no credit for another request")
    }
    if case .opening(var hash) = phase, header.command == .negotiate || header.status == .moreProcessingRequired {
      hash.update(message.bytes)
      phase = .opening(hash)
    }
    var received = Received(frames: try sendWaiting())
    if !entry.isAbandoned { received.answer = (entry.ticket, message) }
    return received
  }

  private mutating func checkSession(_ header: SMBHeader) throws(SMBError) {
    switch phase {
    case .opening:
      guard header.command == .sessionSetup else { return }
      // The first answer names the session, and so may an error; later ones have to keep to it.
      if sessionID == 0 { sessionID = header.sessionID }
      guard header.sessionID == sessionID else {
        throw .protocolViolation(server, "it changed the session's number while the session was being set up")
      }
    case .signed, .sealed:
      guard header.sessionID == sessionID else {
        throw .protocolViolation(server, "an answer in another session than this one")
      }
    }
  }

  /// MS-SMB2 3.2.5.1.5: the answer will come later.
  private func note(_ header: SMBHeader, _ entry: inout Outstanding) throws(SMBError) {
    guard header.flags.contains(.asynchronous) else {
      throw .protocolViolation(server, "an interim answer without an identity")
    }
    entry.interimResponses += 1
    guard entry.interimResponses <= SMBLimits.interimResponses else {
      throw .protocolViolation(server, "it put off its answer \(entry.interimResponses) times")
    }
    entry.asyncID = header.asyncID
  }

  /// Decrypts, or verifies the signature of, everything that belongs to the established session.
  private func unprotect(_ frame: [UInt8]) throws(SMBError) -> SMBMessage {
    do {
      switch phase {
      case .opening: return try message(frame)
      case .sealed(let sealer):
        guard frame.starts(with: TransformHeader.protocolIdentifier) else {
          throw SMBError.badProtection(server, "came unencrypted, though encryption was agreed")
        }
        return try decrypt(frame, sealer)
      case .signed(let signer, let sealer):
        if frame.starts(with: TransformHeader.protocolIdentifier), let sealer { return try decrypt(frame, sealer) }
        let message = try message(frame)
        // MS-SMB2 3.2.5.1.3: interim answers are not signed. All that is taken from them is that the answer comes later.
        if message.header.status == .pending, message.header.flags.contains(.asynchronous) { return message }
        guard signer.verifies(frame) else {
          let isSigned = message.header.flags.contains(.signed)
          throw SMBError.badProtection(
            server, isSigned ? "has a wrong signature" : "came unsigned [\(message.header.status)]")
        }
        return message
      }
    } catch let error as SMBError {
      throw error
    } catch {
      throw .protocolViolation(server, "\(error)")
    }
  }

  private func decrypt(_ frame: [UInt8], _ sealer: MessageSealer) throws -> SMBMessage {
    guard let plain = try sealer.open(frame) else {
      throw SMBError.badProtection(server, "cannot be decrypted with the session's key")
    }
    return try message(plain)
  }

  private func message(_ bytes: [UInt8]) throws -> SMBMessage {
    if bytes.starts(with: SMBHeader.olderProtocolIdentifier) { throw SMBError.obsolete(server) }
    return try SMBMessage(bytes)
  }

  // MARK: - The session

  /// Takes note of the negotiated dialect.
  mutating func negotiated(_ dialect: Dialect) { self.dialect = dialect }

  /// Derives the session's keys and verifies the last answer of its setup with them (MS-SMB2 3.2.5.3.1).
  ///
  /// - Parameters:
  ///   - key: the security context's.
  ///   - last: the answer that ended the setup, as it came.
  ///   - encrypts: whether to encrypt from now on; there is a cipher then.
  /// - Returns: the key that services derive from.
  mutating func establish(
    _ key: SecretBytes, _ negotiation: SMBNegotiation, last: SMBMessage, encrypts: Bool
  ) throws(SMBError) -> SecretBytes {
    guard case .opening(let hash) = phase, outstanding.isEmpty, sessionID != 0 else {
      throw .protocolViolation(server, "a session that was set up out of turn")
    }
    let keys = SessionKeys(
      key, dialect: negotiation.dialect, cipher: negotiation.cipher, preauthentication: hash)
    let signer = MessageSigner(negotiation.signing, key: keys.signing)
    guard signer.verifies(last.bytes) else {
      throw SMBError(
        .badProtection,
        "The answer of \(server) that ends the sign-in \(last.header.flags.contains(.signed) ? "has a wrong signature" : "is not signed"): the negotiation was altered on its way, or the server does not hold the session's key.",
        remedy:
          "Find out what stands between here and the server; a proxy or a duplicate service principal may be the cause."
      )
    }
    var sealer: MessageSealer?
    if let cipher = negotiation.cipher, let encryption = keys.encryption, let decryption = keys.decryption,
      let outgoing = AuthenticatedEncryption(cipher, key: encryption),
      let incoming = AuthenticatedEncryption(cipher, key: decryption)
    {
      sealer = MessageSealer(outgoing: outgoing, incoming: incoming, sessionID: sessionID)
    }
    if encrypts {
      guard let sealer else {
        throw SMBError(
          .noCommonProtection, "No encryption was agreed with \(server).",
          remedy: "Enable SMB encryption on the server.")
      }
      phase = .sealed(sealer)
    } else {
      phase = .signed(signer, sealer)
    }
    return keys.application
  }

  /// The server wants encryption for a share (MS-SMB2 3.2.5.5).
  mutating func beginEncryption() throws(SMBError) {
    switch phase {
    case .sealed: break
    case .signed(_, let sealer?): phase = .sealed(sealer)
    case .opening, .signed(_, nil):
      throw SMBError(
        .noCommonProtection, "\(server) wants encryption that it did not agree to.",
        remedy: "Check the server's encryption settings (smb encrypt, EncryptData).")
    }
  }
}
