// SPDX-License-Identifier: Apache-2.0

import Synchronization
package import Wire

/// An open pipe to one service (MS-SMB2 3.2.4.20.4, 3.2.4.6, 3.2.4.7), in message mode.
package final class NamedPipe: PipeTransport {
  private enum State { case idle, busy, broken, closed }

  private let connection: SMBConnection
  private let file: FileID
  private let state = Mutex(State.idle)
  package let name: String

  init(_ connection: SMBConnection, file: FileID, service: String) {
    self.connection = connection
    self.file = file
    name = "\(connection.server.host), pipe \(service)"
  }

  private var link: SMBLink { connection.link }

  package var maximumMessageSize: Int { min(connection.negotiation.maximumPayload, SMBLimits.pipeMessage) }

  package var sessionKey: SecretBytes { connection.applicationKey }

  package func write(_ message: [UInt8]) async throws {
    try await exclusively { [self] in
      try check(message)
      let answer = try await link.perform(
        request(WriteRequest(file: file, data: message)), action: "Writing to \(name)")
      let count = try link.decode(answer, WriteResponse.init).count
      guard count == message.count else {
        throw SMBError.protocolViolation(name, "it took \(count) of \(message.count) bytes")
      }
    }
  }

  package func transceive(_ message: [UInt8]) async throws -> [UInt8] {
    try await exclusively { [self] in
      try check(message)
      let ioctl = IoctlRequest(
        control: .pipeTransceive, file: file, input: message, maximumOutput: UInt32(clamping: maximumMessageSize))
      let answer = try await link.perform(
        request(ioctl), action: "Calling the service of \(name)", accepting: [.success, .bufferOverflow])
      let response = try link.decode(answer, IoctlResponse.init)
      guard response.control == .pipeTransceive, response.file == file else {
        throw SMBError.protocolViolation(name, "an answer to another operation than the one asked for")
      }
      return try await whole(response.output, answer.header.status)
    }
  }

  package func read() async throws -> [UInt8] {
    try await exclusively { [self] in
      let (data, status) = try await readPart()
      return try await whole(data, status)
    }
  }

  package func close() async {
    let wasOpen = state.withLock { state in
      defer { state = .closed }
      return state != .closed
    }
    guard wasOpen else { return }
    // The server closes it with the connection in any case.
    _ = try? await link.perform(request(CloseRequest(file: file)), timeout: SMBConnection.farewell)
  }

  // MARK: - Parts

  private func request(_ body: some SMBRequestBody) -> SMBRequest { SMBRequest(body, treeID: connection.treeID) }

  private func check(_ message: [UInt8]) throws(SMBError) {
    guard (1...maximumMessageSize).contains(message.count) else {
      throw SMBError(
        .badRequest, "A message of \(message.count) bytes does not fit \(name).",
        remedy: "Cut it into fragments of at most \(maximumMessageSize) bytes.")
    }
  }

  private func readPart() async throws -> ([UInt8], NTStatus) {
    let answer = try await link.perform(
      request(ReadRequest(file: file, length: UInt32(clamping: maximumMessageSize))), action: "Reading from \(name)",
      accepting: [.success, .bufferOverflow])
    return (try link.decode(answer, ReadResponse.init).data, answer.header.status)
  }

  /// Reads on until the message is complete: STATUS_BUFFER_OVERFLOW says that there is more of it.
  private func whole(_ start: [UInt8], _ status: NTStatus) async throws -> [UInt8] {
    var (message, status) = (start, status)
    while status == .bufferOverflow {
      let (more, next) = try await readPart()
      guard !more.isEmpty else { throw SMBError.protocolViolation(name, "an empty part of a message") }
      message += more
      status = next
      guard message.count <= SMBLimits.pipeMessage else { break }
    }
    guard (1...SMBLimits.pipeMessage).contains(message.count) else {
      throw SMBError.protocolViolation(name, "a message of \(message.count) bytes")
    }
    return message
  }

  /// One call at a time; one that fails leaves the pipe out of step.
  private func exclusively<R>(_ body: () async throws -> R) async throws -> R {
    try state.withLock { state throws(SMBError) in
      guard state == .idle else { throw unusable(state) }
      state = .busy
    }
    do {
      let result = try await body()
      settle(.idle)
      return result
    } catch {
      settle(.broken)
      throw error
    }
  }

  private func settle(_ next: State) {
    state.withLock { if $0 == .busy { $0 = next } }
  }

  private func unusable(_ state: State) -> SMBError {
    switch state {
    case .closed: SMBError(.closed, "\(name) was closed here.", remedy: "Open it again.")
    case .broken: SMBError(.closed, "\(name) is out of step after a failure.", remedy: "Open it again.")
    case .idle, .busy: SMBError(.badRequest, "\(name) is in use by another call.", remedy: "Call one after the other.")
    }
  }
}
