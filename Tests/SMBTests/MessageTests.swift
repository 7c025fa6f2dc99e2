// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import Wire

@testable import SMB

@Suite struct MessageTests {
  @Test(arguments: Samples.messages) func roundTrip(message: SMBMessage) throws {
    let read = try SMBMessage(message.bytes)
    #expect(read == message)
    #expect(try Samples.recode(read) == message.bytes)
  }

  /// A message that ends early is refused wherever it ends.
  @Test(arguments: Samples.messages) func truncated(message: SMBMessage) throws {
    for count in 0..<message.bytes.count {
      let part = Array(message.bytes.prefix(count))
      let whole = try? Samples.recode(SMBMessage(part))
      // Fields that are only skipped may miss at the end; what was read must then be the same.
      if let whole { #expect(whole.starts(with: part), "\(message.header.command) cut after \(count) bytes") }
    }
    #expect(throws: ByteError.self) { try SMBMessage(Array(message.bytes.prefix(63))) }
    #expect(throws: ByteError.self) { try Samples.recode(SMBMessage(Array(message.bytes.prefix(65)))) }
  }

  /// MS-SMB2 2.2.13, byte by byte.
  @Test func createRequestLayout() {
    var header = SMBHeader(.create, messageID: 4)
    header.creditCharge = 1
    header.credits = 8
    header.treeID = 3
    header.sessionID = 0x55
    let expected = hex(
      """
      FE534D42 4000 0100 00000000 0500 0800 00000000 00000000 0400000000000000 00000000 03000000 5500000000000000
      00000000000000000000000000000000
      3900 00 00 02000000 0000000000000000 0000000000000000 9F011200 00000000 03000000 01000000 00000000
      7800 0800 00000000 00000000 7300 6100 6D00 7200
      """)
    #expect(SMBMessage(header, CreateRequest(name: "samr")).bytes == expected)
  }

  @Test func framesOneByteAtATime() throws {
    var stream = ByteBuffer()
    for message in Samples.messages { DirectTCPFramer.frame(message.bytes, into: &stream) }
    var framer = DirectTCPFramer()
    var received: [[UInt8]] = []
    while let byte = stream.readBytes(length: 1) {
      framer.append(ByteBuffer(bytes: byte))
      while let frame = try framer.next() { received.append(frame) }
    }
    #expect(received == Samples.messages.map(\.bytes))
    #expect(framer.isEmpty)
  }

  @Test(arguments: [
    "48545450", "00000010", "00FFFFFF", "83000001", "00000000",
  ]) func framesThatAreNone(start: String) {
    var framer = DirectTCPFramer()
    framer.append(ByteBuffer(bytes: hex(start)))
    #expect(throws: ByteError.self) { try framer.next() }
  }

  @Test func limitsOfContexts() throws {
    let answer = Samples.messages[1]
    var bytes = answer.bytes
    // NegotiateContextCount: more than any message has.
    bytes.replaceSubrange(64 + 6..<64 + 8, with: [0xFF, 0xFF])
    #expect(throws: ByteError.self) { try NegotiateResponse(SMBMessage(bytes)) }
    bytes = answer.bytes
    // NegotiateContextOffset: inside the header.
    bytes.replaceSubrange(64 + 60..<64 + 64, with: [8, 0, 0, 0])
    #expect(throws: ByteError.self) { try NegotiateResponse(SMBMessage(bytes)) }
  }

  @Test func bufferInsideTheHeader() throws {
    var bytes = SMBMessage(SMBHeader(.read, messageID: 1), ReadResponse(data: [1, 2])).bytes
    bytes[64 + 2] = 10
    #expect(throws: ByteError.self) { try ReadResponse(SMBMessage(bytes)) }
  }

  @Test func statusesAreNamed() {
    #expect(NTStatus.accessDenied.description == "STATUS_ACCESS_DENIED (0xc0000022)")
    #expect(NTStatus(0xC000_1234).description == "NTSTATUS 0xc0001234")
    #expect(NTStatus.accessDenied.isError && !NTStatus.bufferOverflow.isError && !NTStatus.pending.isError)
    let error = SMBError(.objectNameNotFound, action: "Opening the pipe samr", server: "dc1:445")
    #expect(error.code == .noSuchPipe && error.identifier == "smb.noSuchPipe")
    #expect(error.message.contains("STATUS_OBJECT_NAME_NOT_FOUND"))
    #expect(SMBError(NTStatus(0xC000_1234), action: "Opening", server: "dc1").code == .refused)
  }
}
