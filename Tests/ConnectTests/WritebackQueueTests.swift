// SPDX-License-Identifier: Apache-2.0

import PasswordWriteback
import Testing
import Wire

@testable import Connect

/// Which of the requests in hand may begin.
@Suite struct WritebackQueueTests {
  private func ticket(_ number: UInt8, account: String, domain: String = "corp.example") -> WritebackTicket {
    let header = WritebackHeader(
      tenant: "t", nonce: Array(repeating: number, count: 16), operation: .reset, anchor: account, expires: 0)
    return WritebackTicket(
      envelope: WritebackEnvelope(header: header, encapsulatedKey: [], ciphertext: [], fingerprint: ""),
      digest: [number],
      domain: domain)
  }

  @Test func oneAtATimeForAnAccountInTheirOrder() {
    var queue = WritebackQueue(concurrency: 8)
    for number in UInt8(1)...3 { queue.add(ticket(number, account: "anna")) }
    queue.add(ticket(4, account: "bert"))
    let first = queue.begin()
    #expect(first.map(\.digest) == [[1], [4]] && queue.begin().isEmpty && queue.count == 4)
    queue.end(first[0].id)
    let second = queue.begin()
    #expect(second.map(\.digest) == [[2]])
    queue.end(second[0].id)
    #expect(queue.begin().map(\.digest) == [[3]])
    #expect(Set(queue.identifiers).count == queue.count && queue.count == 2)
  }

  @Test func oneDomainTakesNoMoreThanHalf() {
    var queue = WritebackQueue(concurrency: 4)
    for number in UInt8(1)...9 { queue.add(ticket(number, account: "a\(number)", domain: "silent.example")) }
    queue.add(ticket(10, account: "b"))
    queue.add(ticket(11, account: "c"))
    queue.add(ticket(12, account: "d", domain: "third.example"))
    let begun = queue.begin()
    #expect(begun.map(\.digest) == [[1], [2], [10], [11]])
    queue.end(begun[2].id)
    #expect(queue.begin().map(\.digest) == [[12]], "the silent domain has its share")
    #expect(queue.ticket(begun[2].id) == nil && queue.ticket(begun[0].id)?.digest == [1])
  }

  @Test func oneAtATimeIsStillSomething() {
    var queue = WritebackQueue(concurrency: 1)
    queue.add(ticket(1, account: "a"))
    queue.add(ticket(2, account: "b"))
    let begun = queue.begin()
    #expect(begun.count == 1)
    queue.end(begun[0].id)
    #expect(queue.begin().count == 1)
  }
}
