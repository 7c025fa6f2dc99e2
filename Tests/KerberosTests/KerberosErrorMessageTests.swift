// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import Kerberos

@Suite struct KerberosErrorMessageTests {
  @Test func readsCodeTimeAndText() throws {
    let error = try KerberosErrorMessage(Messages.error(37, text: "clock skew too great"))
    #expect(error.code == 37)
    #expect(error.serverTime == 1_700_000_000)
    #expect(error.text == "clock skew too great")
    #expect(error.status == nil)
  }

  @Test(arguments: [
    ("19700101000000Z", 0), ("20000229235959Z", 951_868_799), ("20380119031408Z", 2_147_483_648),
    ("20991231235959Z", 4_102_444_799),
  ])
  func readsTimes(_ text: String, _ seconds: Int64) throws {
    #expect(try KerberosErrorMessage(Messages.error(37, time: text)).serverTime == seconds)
  }

  @Test(arguments: [
    "20231114221320", "2023111422132Z", "20231314221320Z", "20230229221320Z", "20231114241320Z", "2023111422132xZ", "",
    "00000001000000Z",
  ])
  func refusesWhatIsNoTime(_ text: String) {
    #expect(throws: ByteError.self) { try KerberosErrorMessage(Messages.error(37, time: text)) }
  }

  /// The status of a locked account, alone and within a METHOD-DATA.
  @Test func findsTheStatusOfActiveDirectory() throws {
    let data = Messages.errorData(0xc000_0234)
    #expect(try KerberosErrorMessage(Messages.error(18, data: data)).status == .accountLockedOut)
    let other = Messages.element(0x30, Messages.element(0xa1, [2, 1, 19]) + Messages.element(0xa2, [4, 0]))
    let list = Messages.element(0x30, other + data)
    #expect(try KerberosErrorMessage(Messages.error(18, data: list)).status == .accountLockedOut)
  }

  @Test(arguments: [[], [0x30], [0x30, 0x84, 0xff, 0xff, 0xff, 0xff], [1, 2, 3], Messages.element(0x30, [0xa1, 0])])
  func livesWithAnyErrorData(_ data: [UInt8]) throws {
    let error = try KerberosErrorMessage(Messages.error(18, data: data))
    #expect(error.code == 18)
    #expect(error.status == nil)
  }

  @Test func refusesEveryTruncation() {
    let whole = Messages.error(6, text: "x", data: Messages.errorData(1))
    for count in 0..<whole.count {
      #expect(throws: ByteError.self) { try KDCReply(Array(whole.prefix(count))) }
    }
  }

  /// No mutation may trap; most are refused, and none is taken for a longer message than it is.
  @Test func survivesMutation() {
    let whole = Messages.error(6, text: "x", data: Messages.errorData(1))
    for index in whole.indices {
      for value in [0, 1, 0x1f, 0x30, 0x7f, 0x80, 0x81, 0x84, 0x88, 0xff] as [UInt8] {
        var mutated = whole
        mutated[index] = value
        _ = try? KDCReply(mutated)
        _ = try? KerberosErrorMessage(mutated)
      }
    }
  }

  @Test func boundsTheText() throws {
    let error = try KerberosErrorMessage(Messages.error(60, text: String(repeating: "x", count: 5000)))
    #expect(error.text?.utf8.count == 256)
  }
}

@Suite struct KDCReplyTests {
  @Test func tellsTicketsFromErrors() throws {
    #expect(try KDCReply(Messages.ticket) == .ticket)
    guard case .error(let error) = try KDCReply(Messages.error(25)) else {
      Issue.record("no error")
      return
    }
    #expect(error.code == 25)
  }

  @Test(arguments: [
    [], [0x6b], [0x6b, 0x80], [0x6b, 0x85, 0, 0, 0, 0, 1, 0], [0x7f, 0x1e, 0], [0x6b, 1, 0, 0], [0x30, 0],
    Array("HTTP/1.1".utf8),
  ])
  func refusesAnythingElse(_ bytes: [UInt8]) {
    #expect(throws: ByteError.self) { try KDCReply(bytes) }
  }
}
