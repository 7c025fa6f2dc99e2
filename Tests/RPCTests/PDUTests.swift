// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import RPC

@Suite struct PDUTests {
  /// A bind of the endpoint mapper, byte by byte from C706 12.6.4.3.
  static let bind = """
    05 00 0b 03  10 00 00 00  48 00 00 00  01 00 00 00
    d0 16 d0 16  00 00 00 00
    01 00 00 00  00 00 01 00
    08 83 af e1 1f 5d c9 11 91 a4 08 00 2b 14 a0 fa  03 00 00 00
    04 5d 88 8a eb 1c c9 11 9f e8 08 00 2b 10 48 60  02 00 00 00
    """

  /// Its answer: a secondary address of four bytes ("135" and zero) and two of padding.
  static let bindAck = """
    05 00 0c 03  10 00 00 00  3c 00 00 00  01 00 00 00
    d0 16 d0 16  0a 00 00 00
    04 00 31 33  35 00  00 00
    01 00 00 00  00 00 00 00
    04 5d 88 8a eb 1c c9 11 9f e8 08 00 2b 10 48 60  02 00 00 00
    """

  static func bytes(_ hex: String) throws -> [UInt8] {
    try #require(Hex.decode(hex.filter { !$0.isWhitespace }))
  }

  @Test func encodesABind() throws {
    let bind = BindPDU(contexts: [.init(id: 0, abstractSyntax: RPCInterface.endpointMapper.syntax)])
    let fragment = Fragment(.bind, callID: 1, body: bind.encoded)
    #expect(fragment.bytes == (try Self.bytes(Self.bind)))
  }

  @Test func decodesABindAck() throws {
    let fragment = try Fragment(Self.bytes(Self.bindAck))
    guard case .bindAck(let ack) = try PDU(fragment) else {
      Issue.record("no bind_ack")
      return
    }
    #expect(ack.maximumReceived == 5840 && ack.groupID == 10 && ack.secondaryAddress == "135")
    #expect(ack.results == [.init(result: 0, reason: 0, transferSyntax: .ndr)])
    #expect(PDU.bindAck(ack).body == fragment.body)
  }

  /// The well-known identifiers are written as words; here they are as their specifications print them.
  @Test(arguments: [
    (RPCInterface.endpointMapper, "e1af8308-5d1f-11c9-91a4-08002b14a0fa v3.0"),
    (.drsuapi, "e3514235-4b06-11d1-ab04-00c04fc2dcd2 v4.0"),
    (.lsarpc, "12345778-1234-abcd-ef00-0123456789ab v0.0"),
    (.samr, "12345778-1234-abcd-ef00-0123456789ac v1.0"),
    (.netlogon, "12345678-1234-abcd-ef00-01234567cffb v1.0"),
  ])
  func knowsInterfaces(_ interface: RPCInterface, _ text: String) {
    #expect(interface.syntax.description == text)
    #expect(SyntaxIdentifier.ndr.description == "8a885d04-1ceb-11c9-9fe8-08002b104860 v2.0")
  }

  static let examples: [PDU] = [
    .bind(BindPDU(contexts: [.init(id: 1, abstractSyntax: RPCInterface.samr.syntax)])),
    .alterContext(BindPDU(contexts: [.init(id: 1, abstractSyntax: RPCInterface.samr.syntax)])),
    .bindAck(
      BindAckPDU(
        maximumSent: 5840, maximumReceived: 4280, groupID: 7, secondaryAddress: "\\PIPE\\lsass",
        results: [.init(result: 2, reason: 1, transferSyntax: .ndr)])),
    .alterContextResponse(
      BindAckPDU(
        maximumSent: 5840, maximumReceived: 4280, groupID: 7, secondaryAddress: "",
        results: [.init(result: 0, reason: 0, transferSyntax: .ndr)])),
    .bindNak(BindNakPDU(reason: 8)), .auth3,
    .request(RequestPDU(allocationHint: 3, contextID: 0, operation: 12, stub: [1, 2, 3])),
    .response(ResponsePDU(allocationHint: 3, contextID: 0, stub: [1, 2, 3])),
    .fault(FaultPDU(status: 0x1c01_0002)), .shutdown, .cancel, .orphaned,
  ]

  @Test(arguments: examples) func readsWhatItWrites(_ pdu: PDU) throws {
    #expect(try PDU(Fragment(Fragment(pdu.type, callID: 9, body: pdu.body).bytes)) == pdu)
    // The same with a token behind it.
    var fragment = Fragment(pdu.type, callID: 9, body: pdu.body, security: (.kerberos, 1), tokenLength: 5)
    let isSet = fragment.setToken([1, 2, 3, 4, 5])
    #expect(isSet)
    let read = try Fragment(fragment.bytes)
    #expect(try PDU(read) == pdu)
    #expect(read.token == [1, 2, 3, 4, 5] && read.trailerStart % 4 == 0 && read.trailer?.type == 16)
  }

  @Test func objectsOfRequests() throws {
    let request = RequestPDU(allocationHint: 1, contextID: 2, operation: 3, object: .zero, stub: [4])
    let fragment = Fragment(.request, flags: [.whole, .object], callID: 1, body: request.encoded)
    #expect(try PDU(Fragment(fragment.bytes)) == .request(request))
  }

  // MARK: Streams

  @Test func assemblesByteByByte() throws {
    let stream = try Self.bytes(Self.bindAck) + Self.bytes(Self.bind)
    var assembler = FragmentAssembler()
    var fragments: [[UInt8]] = []
    for byte in stream {
      assembler.append([byte])
      while let fragment = try assembler.next() { fragments.append(fragment) }
    }
    #expect(fragments == [try Self.bytes(Self.bindAck), try Self.bytes(Self.bind)])
    #expect(assembler.pending.isEmpty)
  }

  @Test(arguments: [
    // Another protocol's first byte, before sixteen have come.
    "48", "5353482d",
    // Version 4, version 5.9, an unknown type, big-endian, a fragment shorter than its header or its token.
    "04000b03100000004800000001000000", "05090b03100000004800000001000000", "0500ff03100000004800000001000000",
    "05000b03000000000048000000000001", "05000b03100000000f00000001000000", "05000b03100000001800010001000000",
    // 65,535 bytes: more than was offered.
    "05000b0310000000ffff000001000000",
  ])
  func refusesOtherStreams(_ hex: String) throws {
    var assembler = FragmentAssembler()
    assembler.append(try Self.bytes(hex))
    #expect(throws: ByteError.self) { try assembler.next() }
  }

  @Test func refusesPaddingBeyondTheBody() throws {
    var bytes = Fragment(.response, callID: 1, body: [0, 0], security: (.kerberos, 1), tokenLength: 1).bytes
    bytes[PDUHeader.length + 4 + 2] = 200
    #expect(throws: ByteError.self) { try Fragment(bytes) }
  }

  /// MS-RPCE 2.2.2.13: signature, bit mask, presentation context; the header's fields where it is not signed.
  @Test func verificationTrailer() throws {
    let interface = RPCInterface.drsuapi.syntax
    let signed = VerificationTrailer(interface: interface).appended(to: [1])
    #expect(
      Hex.encode(signed)
        == [
          "01000000", "8ae3137102f43671", "0100040001000000", "02c02800", "354251e3064bd111ab0400c04fc2dcd204000000",
          "045d888aeb1cc9119fe808002b10486002000000",
        ].joined())
    let unsigned = VerificationTrailer(interface: interface, unsignedHeader: (9, 0, 12)).appended(to: [1])
    #expect(
      Hex.encode(unsigned.suffix(20)) == ["03c01000", "00000000", "10000000", "09000000", "0000", "0c00"].joined())
  }
}
