// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import Kerberos

@Suite struct KDCFrameTests {
  @Test func framesAMessage() {
    #expect(KDCFrame.encode([1, 2, 3]) == [0, 0, 0, 3, 1, 2, 3])
  }

  @Test func takesOneByteAtATime() throws {
    let message = [UInt8](0..<200)
    var frame = KDCFrame()
    let bytes = KDCFrame.encode(message)
    for (index, byte) in bytes.enumerated() {
      #expect(frame.missing > 0)
      let whole = try frame.append([byte])
      #expect(whole == (index == bytes.count - 1 ? message : nil))
    }
    #expect(frame.missing == 0)
  }

  @Test func asksForNoMoreThanTheMessage() throws {
    var frame = KDCFrame()
    #expect(frame.missing == 4)
    #expect(try frame.append([0, 0]) == nil)
    #expect(frame.missing == 2)
    #expect(try frame.append([1, 0]) == nil)
    #expect(frame.missing == 256)
  }

  @Test(arguments: [[0, 0, 0, 0], [0x80, 0, 0, 1], [0xff, 0xff, 0xff, 0xff], [0, 4, 0, 1]] as [[UInt8]])
  func refusesImpossibleLengths(_ header: [UInt8]) {
    var frame = KDCFrame()
    #expect(throws: ByteError.self) { try frame.append(header) }
  }

  @Test func acceptsTheLargestLength() throws {
    var frame = KDCFrame()
    #expect(try frame.append([0, 4, 0, 0]) == nil)
    #expect(frame.missing == KDCFrame.maximumReply)
  }
}
