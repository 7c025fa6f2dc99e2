// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import Testing
import TestSupport
import Wire

@testable import LDAP

/// Mutated messages: the decoders must refuse or read them, never trap, and what they read must encode.
///
/// `BRIDGEHEAD_FUZZ_ITERATIONS` sets the number; `BRIDGEHEAD_FUZZ_SEED` repeats a run.
@Suite struct FuzzTests {
  @Test func mutatedMessages() {
    let (iterations, seed) = (Fuzzing.iterations(otherwise: 5000), Fuzzing.seed)
    let outcome = Fuzzer.run(iterations: iterations, seed: seed)
    #expect(outcome.read + outcome.refused == iterations)
    #expect(outcome.read > 0 && outcome.refused > 0)
    #expect(outcome.unstable.isEmpty, "seed \(seed): \(outcome.unstable.prefix(3))")
  }
}

enum Fuzzer {
  struct Outcome {
    var read = 0
    var refused = 0
    /// Messages that were read but changed when encoded and read again.
    var unstable: [String] = []
  }

  static let corpus: [[UInt8]] =
    MessageTests.everyOperation.map {
      LDAPMessage(
        id: 1, $0, controls: [PagedResults(size: 1, cookie: [1]).control, ExtendedDN.control]
      ).encoded
    } + [
      CLDAPTests.answer,
      LDAPMessage(id: 1, .done(), controls: [DirSyncTests.answer([1, 2], more: true)]).encoded,
      LDAPMessage(
        id: 1,
        .entry(
          "<GUID=3f2504e0-4f89-11d3-9a0c-0305e82c3301>;CN=g",
          [Attribute("member;range=1-1", ["<GUID=3f2504e0-4f89-11d3-9a0c-0305e82c3301>;<SID=S-1-5-21-1>;CN=u"])])
      ).encoded,
    ]

  /// Tags and forms of lengths (X.690 8.1).
  private static let edges: [UInt8] = [0, 0x7F, 0x80, 0x81, 0x84, 0x88, 0xFF, 0x30, 0x04, 0xA0]

  static func run(iterations: Int, seed: UInt64) -> Outcome {
    var random = SeededGenerator(seed: seed)
    var outcome = Outcome()
    for _ in 0..<iterations {
      var bytes = corpus[Int(random.next() % UInt64(corpus.count))]
      for _ in 0...Int(random.next() % 4) { random.mutate(&bytes, edges: edges) }
      exercise(bytes, &outcome)
    }
    return outcome
  }

  private static func exercise(_ bytes: [UInt8], _ outcome: inout Outcome) {
    var framer = MessageFramer(maximumSize: 1 << 16)
    framer.append(ByteBuffer(bytes: bytes))
    while (try? framer.next()) != nil {}
    _ = try? NetlogonAnswer(datagram: bytes, messageID: 7)
    _ = try? NetlogonReply(Array(bytes.dropFirst(40)))
    guard let message = try? LDAPMessage(bytes) else {
      outcome.refused += 1
      return
    }
    outcome.read += 1
    if (try? LDAPMessage(message.encoded)) != message { outcome.unstable.append(Hex.encode(bytes)) }
    for control in message.controls {
      _ = try? PagedResults(control)
      _ = try? DirSyncControl.response(control)
    }
    switch message.operation {
    case .searchResultEntry(let entry):
      _ = try? DirectoryChange(entry)
      _ = RootDSE(entry)
      for attribute in entry.attributes { _ = (attribute.integer, attribute.range, try? attribute.extendedDNs()) }
    case .searchRequest(let request): _ = try? Filter(request.filter.description)
    case .searchResultDone(let result), .modifyResponse(let result):
      _ = LDAPError(result, action: "Reading", server: "dc").description
    default: break
    }
  }
}
