// SPDX-License-Identifier: Apache-2.0

import Testing
import WSManagement

@Suite struct EncryptedMessageTests {
  /// MS-WSMV 2.2.9.1.1, as pypsrp 0.9.1 writes it: a token of four bytes, six sealed ones.
  static let body =
    Array(
      ("--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
        + "\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=6\r\n--Encrypted Boundary\r\n"
        + "\tContent-Type: application/octet-stream\r\n").utf8) + [4, 0, 0, 0] + Array("tokensealed".utf8.prefix(4))
    + Array("sealed--Encrypted Boundary--\r\n".utf8)

  static let message = EncryptedMessage(
    scheme: .negotiate, length: 6, token: Array("toke".utf8), sealed: Array("sealed".utf8))

  @Test func bothWays() throws {
    #expect(Self.message.bytes == Self.body)
    #expect(try EncryptedMessage(Self.body) == Self.message)
    #expect(
      EncryptedMessage.contentType(.negotiate)
        == "multipart/encrypted;protocol=\"application/HTTP-SPNEGO-session-encrypted\";boundary=\"Encrypted Boundary\"")
  }

  /// Sealed bytes may look like anything, a delimiter included.
  @Test func sealedBytesAreNotSearched() throws {
    let sealed = Array("--Encrypted Boundary--\r\n--Encrypted Boundary\r\n\tContent-Type: x\r\n".utf8)
    let message = EncryptedMessage(scheme: .negotiate, length: sealed.count, token: [1], sealed: sealed)
    #expect(try EncryptedMessage(message.bytes) == message)
  }

  /// Every prefix, and every byte of the structure changed: an error or the message's own fields, never a crash.
  @Test func damaged() {
    for count in Self.body.indices {
      #expect(throws: WSManagementError.self) { _ = try EncryptedMessage(Array(Self.body.prefix(count))) }
    }
    for index in Self.body.indices {
      for bit in 0..<8 {
        var changed = Self.body
        changed[index] ^= 1 << bit
        if let read = try? EncryptedMessage(changed) { #expect(read.token.count <= 1_024) }
      }
    }
  }

  @Test(arguments: ["Length=-1", "Length=99999999999999999999", "Length=", "length=6", "Length=8388609"])
  func lengths(text: String) {
    let body = String(decoding: Self.body, as: UTF8.self).replacing("Length=6", with: text)
    #expect(throws: WSManagementError.self) { _ = try EncryptedMessage(Array(body.utf8)) }
  }
}

@Suite struct IdentifyTests {
  static func answer(_ namespace: String, _ inside: String) -> [UInt8] {
    Array(
      """
      <s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body>
      <wsmid:IdentifyResponse xmlns:wsmid="\(namespace)">\(inside)</wsmid:IdentifyResponse></s:Body></s:Envelope>
      """.utf8)
  }
  static let inside = """
    <wsmid:ProtocolVersion>http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd</wsmid:ProtocolVersion>
    <wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor>
    <wsmid:ProductVersion>OS: 10.0.20348 SP: 0.0 Stack: 3.0</wsmid:ProductVersion>
    <wsmid:SecurityProfiles><wsmid:SecurityProfileName>http://a</wsmid:SecurityProfileName></wsmid:SecurityProfiles>
    """

  @Test(arguments: ["identity", "identify"]) func response(word: String) throws {
    let response = try IdentifyResponse(
      Self.answer("http://schemas.dmtf.org/wbem/wsman/\(word)/1/wsmanidentity.xsd", Self.inside))
    #expect(response.productVendor == "Microsoft Corporation")
    #expect(response.productVersion == "OS: 10.0.20348 SP: 0.0 Stack: 3.0")
    #expect(response.protocolVersions == ["http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"])
    #expect(response.securityProfiles == ["http://a"])
  }

  @Test func otherDocuments() {
    for message in [
      Self.answer("urn:other", Self.inside), Array("<html><body>It works</body></html>".utf8), [],
      Self.answer("http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd", ""),
    ] {
      let error = #expect(throws: WSManagementError.self) { _ = try IdentifyResponse(message) }
      #expect(error?.code == .malformed)
    }
  }

  @Test(arguments: [
    ("w:AccessDenied", WSManagementError.Code.denied), ("w:InternalError", WSManagementError.Code.fault),
  ])
  func faults(subcode: String, code: WSManagementError.Code) {
    let message = """
      <s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:w="urn:w"><s:Body><s:Fault><s:Code>
      <s:Value>s:Sender</s:Value><s:Subcode><s:Value>\(subcode)</s:Value></s:Subcode></s:Code><s:Reason>
      <s:Text xml:lang="en">Nothing for you.</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>
      """
    let error = #expect(throws: WSManagementError.self) { _ = try IdentifyResponse(Array(message.utf8)) }
    #expect(error?.code == code && error?.message.contains("Nothing for you.") == true)
  }
}
