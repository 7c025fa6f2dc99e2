// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import PasswordWriteback

@Suite struct WritebackEnvelopeTests {
  private let key = ConnectorPrivateKey()
  private let header = WritebackHeader(
    tenant: "corp.tenant.example", nonce: Array(0..<16), operation: .change, anchor: "vGmHQrvYPkO3nKqQ0A2Ybg==",
    expires: 1_800_000_000_000)

  private func secret(_ text: String) -> SecretBytes { SecretBytes(Array(text.utf8)) }
  private func text(_ secret: SecretBytes?) -> String? {
    secret?.withBytes { String(decoding: $0, as: UTF8.self) }
  }

  @Test func opensWhatWasSealed() throws {
    let sealed = try WritebackEnvelope(
      sealing: WritebackSecrets(old: secret("old-one"), new: secret("nöw-öne"), mustChange: true), header,
      to: try key.publicKey)
    let opened = try sealed.open(with: key)
    #expect(text(opened.old) == "old-one" && text(opened.new) == "nöw-öne" && opened.mustChange)
    let empty = try WritebackEnvelope(sealing: WritebackSecrets(), header, to: try key.publicKey).open(with: key)
    #expect(empty.old == nil && empty.new == nil && !empty.mustChange)
  }

  @Test func tellsNothingByItsLength() throws {
    let sizes = try ["a", String(repeating: "b", count: 256)].map { password in
      try WritebackEnvelope(sealing: WritebackSecrets(new: secret(password)), header, to: try key.publicKey)
        .ciphertext.count
    }
    #expect(Set(sizes).count == 1)
  }

  /// Each part of the header is bound; so are the key and every byte of the ciphertext.
  @Test func refusesWhateverWasChanged() throws {
    let sealed = try WritebackEnvelope(sealing: WritebackSecrets(new: secret("p")), header, to: try key.publicKey)
    let changes: [(inout WritebackEnvelope) -> Void] = [
      { $0.header.tenant = "other.example" }, { $0.header.nonce[0] ^= 1 }, { $0.header.operation = .reset },
      { $0.header.anchor += "A" }, { $0.header.expires += 1 }, { $0.ciphertext[0] ^= 1 },
      { $0.ciphertext[$0.ciphertext.count - 1] ^= 1 }, { $0.encapsulatedKey[3] ^= 1 },
      // The same letters, divided otherwise between two fields.
      {
        $0.header.tenant += "c"
        $0.header.anchor.removeFirst()
      },
    ]
    for change in changes {
      var copy = sealed
      change(&copy)
      #expect(throws: WritebackError.self) { try copy.open(with: key) }
    }
    let other = #expect(throws: WritebackError.self) { try sealed.open(with: ConnectorPrivateKey()) }
    #expect(other?.code == .undecipherable)
  }

  @Test func refusesOtherSizes() throws {
    let sealed = try WritebackEnvelope(sealing: WritebackSecrets(new: secret("p")), header, to: try key.publicKey)
    for (encapsulated, count) in [(0, 10), (32, 0), (31, sealed.ciphertext.count), (32, sealed.ciphertext.count + 1)] {
      var copy = sealed
      copy.encapsulatedKey = Array(sealed.encapsulatedKey.prefix(encapsulated))
      copy.ciphertext = Array((sealed.ciphertext + [0]).prefix(count))
      let error = #expect(throws: WritebackError.self) { try copy.open(with: key) }
      #expect(error?.code == .malformed)
    }
    for password in ["", String(repeating: "x", count: 769)] {
      let error = #expect(throws: WritebackError.self) {
        try WritebackEnvelope(sealing: WritebackSecrets(new: secret(password)), header, to: try key.publicKey)
      }
      #expect(error?.code == .invalidPassword)
    }
  }

  /// A content that is sealed rightly and wrong inside is refused, whatever is in it.
  @Test func readsNoWrongContent() throws {
    var generator = SystemRandomNumberGenerator()
    var refused = 0
    for _ in 0..<2000 {
      let bytes = (0..<WritebackSecrets.paddedBytes).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let secrets = bytes.withUnsafeBytes { try? WritebackSecrets(decoding: $0) }
      if secrets == nil { refused += 1 }
    }
    #expect(refused > 1900)
  }

  @Test func keysSurviveTheirText() throws {
    let again = try ConnectorPrivateKey(text: secret(key.text))
    #expect(try again.publicKey == key.publicKey)
    #expect(try ConnectorKey(text: try key.publicKey.text) == key.publicKey)
    #expect(try key.publicKey.fingerprint.count == 39)
    #expect(try key.publicKey.fingerprint != ConnectorPrivateKey().publicKey.fingerprint)
    for wrong in ["", "00", String(repeating: "z", count: 64)] {
      #expect(throws: WritebackError.self) { try ConnectorKey(text: wrong) }
      #expect(throws: WritebackError.self) { try ConnectorPrivateKey(text: secret(wrong)) }
    }
  }

  @Test func everyOutcomeHasASentence() {
    for status in WritebackOutcome.Status.allCases {
      for reason in WritebackOutcome.Reason.allCases.map(Optional.some) + [nil] {
        let sentence = WritebackOutcome(status, reason, number: 8).sentence
        #expect(sentence.hasSuffix(".") && sentence.count > 10)
      }
    }
  }
}
