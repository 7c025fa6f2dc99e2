// SPDX-License-Identifier: Apache-2.0

import Crypto
import Testing
import Wire

@testable import SMB

/// Known answers that Microsoft published beside MS-SMB2 (open specifications team, archived on learn.microsoft.com):
/// "Encryption in SMB 3.0: A protocol perspective" (2012-10-05), "SMB 3.1.1 Pre-authentication integrity in Windows 10"
/// (2015-08-11), "SMB 3.1.1 Encryption in Windows 10" (2015-09-09).
@Suite struct VectorTests {
  @Test func preauthenticationIntegrity311() {
    var hash = PreauthenticationHash()
    for (message, expected) in Vectors.preauthentication {
      hash.update(hex(message))
      #expect(hash.value == hex(expected))
    }
    let keys = SessionKeys(
      SecretBytes(hex("270E1BA896585EEB7AF3472D3B4C75A7")), dialect: .smb311, cipher: nil, preauthentication: hash)
    #expect(text(keys.signing) == "73fe7a9a77bef0bde49c650d8ccb5f76")
  }

  /// The messages of that conversation, as Windows 10 sent them, mean what they say.
  @Test func messagesOfWindows() throws {
    let request = try NegotiateRequest(SMBMessage(hex(Vectors.preauthentication[0].message)))
    #expect(request.dialects == [0x0202, 0x0210, 0x0300, 0x0302, 0x0311])
    #expect(request.contexts.count == 2)
    #expect(request.contexts[1] == .encryption([2, 1]))
    let message = try SMBMessage(hex(Vectors.preauthentication[1].message))
    let response = try NegotiateResponse(message)
    let negotiation = try SMBNegotiation(response, to: request, server: "sut")
    #expect(negotiation.dialect == .smb311 && negotiation.cipher == .aes128GCM && negotiation.signing == .aesCMAC)
    #expect(response.securityToken.count == 320 && response.securityToken.first == 0x60)
    let setup = try SessionSetupResponse(SMBMessage(hex(Vectors.preauthentication[3].message)))
    #expect(setup.securityToken.first == 0xA1 && setup.flags == [])
    // What is read encodes to the same bytes, where Windows' layout is ours.
    #expect(SMBMessage(try SMBMessage(hex(Vectors.preauthentication[0].message)).header, request).bytes.count == 174)
    let again = SMBMessage(message.header, response)
    #expect(try NegotiateResponse(again) == response)
  }

  @Test func encryption300() throws {
    let keys = SessionKeys(
      SecretBytes(hex("B4546771B515F766A86735532DD6C4F0")), dialect: .smb300, cipher: .aes128CCM,
      preauthentication: PreauthenticationHash())
    #expect(keys.encryption.map(text) == "261b72350558f2e9dcf613070383edbf")
    #expect(keys.decryption.map(text) == "8fe2b57ec34d2db5b1a9727f526bbdb5")
    let sealer = try sealer(keys, .aes128CCM, sessionID: 0x8_E400_1400_0011)
    // The published frame has a nonce of 16 bytes in its header, of which AES-CCM uses 11; the tag covers all of them.
    let (header, ciphertext) = try transform(Vectors.encrypted300)
    let encryption = try #require(keys.encryption.flatMap { AuthenticatedEncryption(.aes128CCM, key: $0) })
    let nonce = Array(header.nonce.prefix(11))
    let sealed = try encryption.seal(hex(Vectors.plain300), nonce: nonce, authenticating: header.authenticated)
    #expect(sealed.tag == header.signature && sealed.ciphertext == ciphertext)
    #expect(
      encryption.open(ciphertext, tag: header.signature, nonce: nonce, authenticating: header.authenticated)
        == hex(Vectors.plain300))
    #expect(try sealer.open(hex(Vectors.answer300)) == hex(Vectors.plainAnswer300))
  }

  @Test func encryption311() throws {
    let keys = SessionKeys(
      SecretBytes(hex("419FDDF34C1E001909D362AE7FB6AF79")), dialect: .smb311, cipher: .aes128GCM,
      preauthentication: PreauthenticationHash(value: hex(Vectors.hash311)))
    #expect(keys.encryption.map(text) == "a2f5e80e5d59103034f32e52f698e5ec")
    let sealer = try sealer(keys, .aes128GCM, sessionID: 0x1000_0000_0025)
    let frame = try sealer.seal(hex(Vectors.plain311), nonce: hex("C7D6822D269CAF48904C664C"))
    #expect(frame == hex(Vectors.encrypted311))
  }

  /// The plain text of the vector is a WRITE; ours has the same bytes but for two fields that it
  /// leaves zero: Reserved in the header, and WriteChannelInfoOffset.
  @Test func writeOfWindows() throws {
    let message = try SMBMessage(hex(Vectors.plain311))
    let request = try WriteRequest(message)
    #expect(String(decoding: request.data, as: UTF8.self) == "Smb3 encryption testing")
    #expect(request.file == FileID(persistent: 0x4_0000_0006, volatile: 0x4_0000_0001))
    var expected = hex(Vectors.plain311)
    expected.replaceSubrange(32..<36, with: [0, 0, 0, 0])
    expected.replaceSubrange(64 + 40..<64 + 42, with: [0, 0])
    #expect(SMBMessage(message.header, request).bytes == expected)
  }

  /// What is ours is the nonce and the place of the signature. Expected values: pyca/cryptography 50.0.2 over the same
  /// bytes.
  @Test(arguments: [
    (SigningAlgorithm.hmacSHA256, "25c4fb7154c630ab83b6aee286a22a70"), (.aesCMAC, "1319bd3aa131754f2e2e718fee61fc97"),
    (.aesGMAC, "65890875b1ee7bf4ff0db5c780e16cf9"),
  ]) func signatures(algorithm: SigningAlgorithm, expected: String) throws {
    let signer = MessageSigner(algorithm, key: SymmetricKey(data: (0..<16).map { UInt8($0) }))
    var message = hex(Vectors.plain311)
    try signer.sign(&message)
    #expect(Hex.encode(message[48..<64]) == expected)
    #expect(signer.verifies(message))
    for index in message.indices {
      message[index] ^= 1
      #expect(!signer.verifies(message), "a changed byte \(index) is not noticed")
      message[index] ^= 1
    }
  }

  /// A server's answer has another nonce than its request: AES-GMAC under one key may never repeat one.
  @Test func gmacTellsDirectionsApart() throws {
    let signer = MessageSigner(.aesGMAC, key: SymmetricKey(data: [UInt8](repeating: 7, count: 16)))
    var (request, answer) = (hex(Vectors.plain311), hex(Vectors.plain311))
    try signer.sign(&request)
    answer[16] |= 1
    try signer.sign(&answer)
    #expect(request[48..<64] != answer[48..<64])
  }

  /// Expected values: pyca/cryptography 50.0.2.
  @Test(arguments: [
    (
      Cipher.aes256CCM,
      "74338dab6fa373691d0002d18b11bbbc57b6bc0515f9cacbaf72642d8d827380812be727da37fb"
    ),
    (.aes256GCM, "2e93fa2569ac54d0b80c786966160773a3353d7a72ac308f6956d08bf0079b8868823afdecd8a5"),
  ]) func longCiphers(cipher: Cipher, expected: String) throws {
    let key = SymmetricKey(data: (0..<32).map { UInt8($0) })
    let encryption = try #require(AuthenticatedEncryption(cipher, key: key))
    let nonce = (0x10..<0x10 + UInt8(cipher.nonceSize)).map { $0 }
    let data = (0x20..<0x40).map { UInt8($0) }
    let (ciphertext, tag) = try encryption.seal(
      Array("Smb3 encryption testing".utf8), nonce: nonce, authenticating: data)
    #expect(Hex.encode(ciphertext + tag) == expected)
    var wrong = tag
    wrong[15] ^= 1
    #expect(encryption.open(ciphertext, tag: tag, nonce: nonce, authenticating: data) != nil)
    #expect(encryption.open(ciphertext, tag: wrong, nonce: nonce, authenticating: data) == nil)
  }

  private func sealer(_ keys: SessionKeys, _ cipher: Cipher, sessionID: UInt64) throws -> MessageSealer {
    let outgoing = try #require(keys.encryption.flatMap { AuthenticatedEncryption(cipher, key: $0) })
    let incoming = try #require(keys.decryption.flatMap { AuthenticatedEncryption(cipher, key: $0) })
    return MessageSealer(outgoing: outgoing, incoming: incoming, sessionID: sessionID)
  }

  private func transform(_ text: String) throws -> (TransformHeader, [UInt8]) {
    var reader = ByteReader(hex(text))
    let header = try TransformHeader(&reader)
    return (header, reader.readRemaining())
  }

  private func text(_ key: SymmetricKey) -> String { key.withUnsafeBytes { Hex.encode(Array($0)) } }
}
