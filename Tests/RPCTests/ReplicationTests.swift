// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import RPC

@Suite struct ReplicationTests {
  @Test(arguments: [UInt32(1), 6, 9]) func readsReplies(_ version: UInt32) throws {
    var reader = NDRReader(Stubs.changes(objects: 3, version: version))
    let reply = try ReplicationReply(&reader)
    #expect(reply.source == GUID(words: 1, 2) && reply.invocation == GUID(words: 3, 4))
    #expect(reply.next == USNVector(object: 3, reserved: 4, property: 5))
    #expect(reply.known?.cursors == [.init(invocation: GUID(words: 7, 8), usn: 99)])
    #expect(reply.hasMore)
    // First to last, although what they point to comes last to first.
    #expect(reply.objects.map(\.name.name) == (0..<3).map { "CN=U\($0),DC=corp,DC=example" })
    #expect(reply.objects.allSatisfy { $0.attributes == [.unicodePwd: [[1, 2, 3]]] })
    #expect(reply.objects.allSatisfy { $0.versions[.unicodePwd]?.number == 17 })
    #expect(reader.remaining == 4)
  }

  @Test(arguments: [UInt32(2), 7, 10]) func refusesOtherReplies(_ version: UInt32) {
    var reader = NDRReader(Stubs.changes(objects: 1, version: version))
    let error = #expect(throws: ByteError.self) { _ = try ReplicationReply(&reader) }
    if version != 10 { #expect(error?.description.contains("compressed") == true) }
  }

  /// A list longer than announced, as a hostile server would have it.
  @Test func refusesEndlessLists() throws {
    var stub = Stubs.changes(objects: 1, version: 6)
    // cNumObjects is at 8 + 32 + 8 + 48 + 4 + 8 + 4.
    let at = 8 + 32 + 8 + 48 + 4 + 8 + 4
    #expect(stub[at] == 1)
    stub[at] = 0
    var reader = NDRReader(stub)
    #expect(throws: ByteError.self) { _ = try ReplicationReply(&reader) }
    stub[at] = 2
    reader = NDRReader(stub)
    #expect(throws: ByteError.self) { _ = try ReplicationReply(&reader) }
  }

  /// MS-DRSR 4.1.10.2.4: the arm begins at a multiple of eight; V10 is V8 and one field.
  @Test func writesRequests() {
    var request = ReplicationRequest(context: DSName(name: "DC=x"), attributes: [.pwdLastSet, .unicodePwd])
    request.known = UpToDateVector(cursors: [.init(invocation: GUID(words: 7, 8), usn: 99)])
    func written(_ version: UInt32) -> [UInt8] {
      var writer = NDRWriter()
      writer.writeBytes([UInt8](repeating: 0, count: 20))
      request.write(to: &writer, version: version)
      return writer.bytes
    }
    let eight = Hex.encode(written(8))
    #expect(eight.dropFirst(40).hasPrefix(["08000000", "08000000", "00000000"].joined()))
    // Attributes in ascending order, at the end.
    #expect(eight.hasSuffix(["02000000", "01000000", "00000000", "02000000", "5a000900", "60000900"].joined()))
    // V10 is V8 and ulMoreFlags; without a vector nothing is aligned to eight after it.
    request.known = nil
    #expect(written(10).count == written(8).count + 4)
  }
}
