// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import Testing
import Wire

@testable import LDAP

/// Mutated messages: the decoders must refuse or read them, never trap, and what they read must encode.
///
/// `BRIDGEHEAD_FUZZ_ITERATIONS` sets the number; `BRIDGEHEAD_FUZZ_SEED` repeats a run.
@Suite struct FuzzTests {
  @Test func mutatedMessages() {
    let environment = ProcessInfo.processInfo.environment
    let iterations = environment["BRIDGEHEAD_FUZZ_ITERATIONS"].flatMap { Int($0) } ?? 5000
    let seed = environment["BRIDGEHEAD_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
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

  static func run(iterations: Int, seed: UInt64) -> Outcome {
    var random = SplitMix64(state: seed)
    var outcome = Outcome()
    for _ in 0..<iterations {
      var bytes = corpus[Int(random.next() % UInt64(corpus.count))]
      for _ in 0...Int(random.next() % 4) { mutate(&bytes, &random) }
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

  private static func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    guard !bytes.isEmpty else { return bytes.append(UInt8(truncatingIfNeeded: random.next())) }
    let index = Int(random.next() % UInt64(bytes.count))
    switch random.next() % 6 {
    case 0: bytes[index] ^= 1 << UInt8(random.next() % 8)
    case 1: bytes[index] = [0, 0x7F, 0x80, 0x81, 0x84, 0x88, 0xFF, 0x30, 0x04, 0xA0][Int(random.next() % 10)]
    case 2: bytes.removeSubrange(index...)
    case 3: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: index)
    case 4: bytes.remove(at: index)
    default:
      let end = min(bytes.count, index + Int(random.next() % 16))
      bytes.insert(contentsOf: Array(bytes[index..<end]), at: index)
    }
  }
}

/// A small generator with a seed, so that a failure can be repeated.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
