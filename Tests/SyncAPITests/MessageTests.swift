// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing
import WCF
import Wire

@testable import SyncAPI

/// Every layout is written and read by the same code: what is read must be what was written, and what is on the wire must be
/// what public clients and readers look for.
@Suite struct MessageTests {
  static let header = RequestHeader(
    operation: "", token: SecretBytes(Array("token".utf8)), messageID: "urn:uuid:1", to: "https://service.example/p.svc"
  )

  /// Through both directions of a request.
  static func request<Call: SyncCall>(_ call: Call) throws -> Call {
    var header = header
    header.operation = Call.operation
    var incoming = try SyncEnvelope.Incoming(SyncEnvelope.request(call, header))
    #expect(incoming.header.operation == Call.operation)
    #expect(incoming.header.messageID == "urn:uuid:1")
    #expect(incoming.header.token.withBytes { Array($0) } == Array("token".utf8))
    return try incoming.body()
  }

  /// Through both directions of an answer.
  static func answer<Call: SyncCall>(_ answer: Call.Answer, to call: Call.Type) throws -> Call.Answer {
    try SyncEnvelope.readAnswer(SyncEnvelope.answer(answer, to: call, relatesTo: "urn:uuid:1"), to: call)
  }

  /// As text, with the prefixes that were written.
  static func text(_ document: [UInt8]) throws -> String {
    var reader = BinaryReader(document)
    var (text, open) = ("", [String]())
    func name(_ name: BinaryName) -> String { name.prefix.isEmpty ? name.local : "\(name.prefix):\(name.local)" }
    while let event = try reader.next() {
      switch event {
      case .startElement(let element, let attributes):
        open.append(name(element))
        let shown = attributes.map { attribute in
          switch attribute {
          case .attribute(let attribute, let value): " \(name(attribute))='\(value)'"
          case .namespace("", let uri): " xmlns='\(uri)'"
          case .namespace(let prefix, let uri): " xmlns:\(prefix)='\(uri)'"
          }
        }
        text += "<\(name(element))\(shown.joined())>"
      case .text(let part): text += part
      case .endElement: text += "</\(open.removeLast())>"
      }
    }
    return text
  }

  static let objects: [SyncObject] = [
    SyncObject(
      .user, .set,
      [
        "SourceAnchor": .string("vGmHQrvYPkOAAAAAAAAAAA=="), "displayName": .string("Ännchen"),
        "accountEnabled": .boolean(true),
        "countryCode": .integer(-276), "proxyAddresses": .strings(["SMTP:a@b.example", "smtp:c@d.example"]),
        "department": .null, "onPremiseSecurityIdentifier": .data([1, 2, 3]),
        "userCertificate": .datas([[4], [5, 6]]),
      ]),
    SyncObject(
      .group, .set,
      [
        "SourceAnchor": .string("group=="),
        "member": .references([
          ReferenceChange(.add, .source("a==")), ReferenceChange(.remove, .cloud("User_1")),
        ]),
      ]),
    SyncObject(.device, .delete, ["CloudAnchor": .string("Device_2")]),
  ]

  @Test func objectsGoThrough() throws {
    #expect(try Self.request(Provision<ProvisionVersion2>(Self.objects)).objects == Self.objects)
    #expect(try Self.request(Provision<ProvisionVersion1>(Self.objects)).objects == Self.objects)
    let results = [
      SyncObjectResult(Self.objects[0], cloudAnchor: "User_1"),
      SyncObjectResult(Self.objects[1], errorCode: "AttributeValueMustBeUnique", errorDescription: "taken"),
    ]
    #expect(try Self.answer(results, to: Provision<ProvisionVersion2>.self) == results)
  }

  @Test func readingBackGoesThrough() throws {
    #expect(try Self.request(ReadBack<ReadBackVersion2>(cookie: nil)).cookie == nil)
    let request = try Self.request(ReadBack<ReadBackVersion2>(cookie: "abc=", isFull: false))
    #expect(request.cookie == "abc=" && !request.isFull)
    let page = ReadBack<ReadBackVersion2>.Page(objects: Self.objects, cookie: "next", hasMore: true)
    #expect(try Self.answer(page, to: ReadBack<ReadBackVersion2>.self) == page)
    let last = ReadBack<ReadBackVersion2>.Page(objects: [], cookie: nil, hasMore: false)
    #expect(try Self.answer(last, to: ReadBack<ReadBackVersion2>.self) == last)
  }

  @Test func credentialsGoThrough() throws {
    let items = try Self.request(
      ProvisionCredentials([
        .init(anchor: .source("a=="), value: "v1;…;", changed: "2026-05-01T08:00:00Z", mustChange: true),
        .init(anchor: .cloud("User_1"), value: "v1;…;", changed: "2026-05-01T08:00:01Z", mustChange: false),
      ])
    ).items
    #expect(items.map(\.anchor) == [.source("a=="), .cloud("User_1")])
    #expect(items.map(\.mustChange) == [true, false])
    #expect(items.map(\.changed) == ["2026-05-01T08:00:00Z", "2026-05-01T08:00:01Z"])
    let results: [ProvisionCredentials.Result] = [
      .init(anchor: .source("a=="), result: 0), .init(anchor: .cloud("User_1"), result: 3, detail: "older"),
    ]
    #expect(try Self.answer(results, to: ProvisionCredentials.self) == results)
  }

  @Test func companyAndTheRestGoThrough() throws {
    var company = CompanyConfiguration()
    company.allowedFeatures = ["ObjectWriteback"]
    company.features = [.passwordHashSync, .blockSoftMatch]
    company.displayName = "Corp"
    company.tenant = "57cf9f28-1ad7-40f4-bee8-d3ab9877f0a8"
    company.objects = 7
    #expect(try Self.answer(company, to: GetCompanyConfiguration.self) == company)
    #expect(try Self.request(SetCompanyDirsyncFeatures([.passwordHashSync])).features == [.passwordHashSync])
    #expect(try Self.answer(Done(), to: SetCompanyDirsyncFeatures.self) == Done())
    let export = try Self.request(FinalizeExport(total: 10, successful: 9))
    #expect(export.total == 10 && export.successful == 9)
    let versions = Capabilities.Versions(latest: "2.4.21.0", minimum: "1.0", refused: ["1.2.3"])
    #expect(try Self.answer(versions, to: Capabilities.self) == versions)
    let domain = KerberosDomain(
      dnsDomainName: "corp.example", displayName: "CORP", id: "1", keyVersion: 3, keyUpdatedOn: "2026-05-01T08:00:00Z")
    #expect(try Self.request(SetKerberosDomain(domain)).domain == domain)
    #expect(try Self.request(GetKerberosDomain("corp.example")).name == "corp.example")
    #expect(try Self.answer(domain, to: GetKerberosDomain.self) == domain)
    #expect(try Self.answer(nil, to: GetKerberosDomain.self) == nil)
    let issuers = GetDeviceConfiguration.Issuers(own: [[1, 2]], cloud: [[3]])
    #expect(try Self.answer(issuers, to: GetDeviceConfiguration.self) == issuers)
  }

  /// The envelope that the public clients of the interface send, in its parts and its order.
  @Test func aRequestLooksLikeThoseOfPublicClients() throws {
    var header = Self.header
    header.operation = "ProvisionAzureADSyncObjects2"
    let text = try Self.text(
      SyncEnvelope.request(Provision<ProvisionVersion2>([Self.objects[1]]), header))
    let change = "http://schemas.microsoft.com/online/aws/change/2010/01"
    for part in [
      "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' xmlns:a='http://www.w3.org/2005/08/addressing'><s:Header>",
      "<a:Action s:mustUnderstand='1'>\(change)/IProvisioningWebService/ProvisionAzureADSyncObjects2</a:Action>",
      "<SyncToken s:role='urn:microsoft.online.administrativeservice' xmlns='urn:microsoft.online.administrativeservice'",
      "<BearerToken xmlns='\(change)'>token</BearerToken>", "<a:MessageID>urn:uuid:1</a:MessageID>",
      "<a:To s:mustUnderstand='1'>https://service.example/p.svc</a:To></s:Header><s:Body>",
      "<ProvisionAzureADSyncObjects2 xmlns='\(change)'><syncRequest "
        + "xmlns:b='http://schemas.microsoft.com/online/aws/change/2014/06'",
      "<b:SyncObjects><b:AzureADSyncObject><b:PropertyValues "
        + "xmlns:c='http://schemas.microsoft.com/2003/10/Serialization/Arrays'><c:KeyValueOfstringanyType><c:Key>member</c:Key>"
        + "<c:Value i:type='SyncReferenceChangeCollection'><referenceChanges><SyncReferenceChange><Reference>"
        + "<Anchor>a==</Anchor><referenceTypeInt>2</referenceTypeInt></Reference><operationInt>1</operationInt>",
      "<c:Key>SourceAnchor</c:Key><c:Value i:type='d:string' xmlns:d='http://www.w3.org/2001/XMLSchema'>group==</c:Value>",
      "<b:SyncObjectType>Group</b:SyncObjectType><b:SyncOperation>Set</b:SyncOperation></b:AzureADSyncObject>",
    ] {
      #expect(text.contains(part), "\(part) in \(text)")
    }
  }

  /// Public readers look results up by these prefixes.
  @Test func anAnswerLooksLikeThoseOfTheService() throws {
    let text = try Self.text(
      SyncEnvelope.answer(
        [SyncObjectResult(Self.objects[0], cloudAnchor: "User_1")], to: Provision<ProvisionVersion1>.self,
        relatesTo: "x"))
    #expect(text.contains("<ProvisionAzureADSyncObjectsResponse xmlns="))
    #expect(text.contains("<b:SyncObjectResults><b:AzureADSyncObjectResult><b:CloudAnchor>User_1</b:CloudAnchor>"))
    #expect(text.contains("<b:ResultCode>Success</b:ResultCode>"))
    #expect(text.contains("<b:ResultErrorDescription i:nil='true'></b:ResultErrorDescription>"))
  }

  @Test func faults() throws {
    let fault = SyncFault(
      .sender, "no", code: "AccessDenied", description: "not you",
      redirect: "https://other.example/provisioningservice.svc")
    let document = SyncEnvelope.answer(fault, relatesTo: "urn:uuid:1")
    let error = #expect(throws: SyncAPIError.self) { try SyncEnvelope.readAnswer(document, to: FinalizeExport.self) }
    #expect(error?.code == .fault && error?.fault == fault)
    #expect(error?.message.contains("AccessDenied: not you") == true)
  }

  /// What XML has no place for would make the whole message unreadable to others.
  @Test func controlCharactersAreReplaced() throws {
    let object = SyncObject(
      .user, .set, ["SourceAnchor": .string("a=="), "displayName": .string("a\u{0}b\u{1b}c\u{fffe}")])
    let read = try Self.request(Provision<ProvisionVersion2>([object])).objects
    #expect(read.first?.properties.text("displayName") == "a\u{fffd}b\u{fffd}c\u{fffd}")
  }

  // MARK: Hostile messages

  /// Every prefix, and every message with one byte changed, is refused or read; nothing crashes, and nothing grows.
  @Test func brokenMessagesAreRefused() throws {
    var header = Self.header
    header.operation = Provision<ProvisionVersion2>.operation
    let request = SyncEnvelope.request(Provision<ProvisionVersion2>(Self.objects), header)
    let answer = SyncEnvelope.answer(
      ReadBack<ReadBackVersion2>.Page(objects: Self.objects, cookie: "x", hasMore: true),
      to: ReadBack<ReadBackVersion2>.self, relatesTo: "x")
    func read(_ document: [UInt8]) -> (Bool, Bool) {
      let asRequest = try? {
        var incoming = try SyncEnvelope.Incoming(document)
        return try incoming.body(Provision<ProvisionVersion2>.self)
      }()
      let asAnswer = try? SyncEnvelope.readAnswer(document, to: ReadBack<ReadBackVersion2>.self)
      return (asRequest != nil, asAnswer != nil)
    }
    #expect(read(request) == (true, false) && read(answer) == (false, true))
    // Only what follows the body's end may be missing.
    var whole = 0
    for length in request.indices { if read(Array(request.prefix(length))).0 { whole += 1 } }
    for length in answer.indices { if read(Array(answer.prefix(length))).1 { whole += 1 } }
    #expect(whole < 40)
    var refused = 0
    for document in [request, answer] {
      for index in document.indices {
        var broken = document
        broken[index] ^= 1 << UInt8(index % 8)
        if read(broken) == (false, false) { refused += 1 }
      }
    }
    #expect(refused > (request.count + answer.count) / 3)
  }

  /// Two bytes of the dictionary stand for up to 90 characters: a text is no larger than its message allows.
  @Test func textsDoNotExplode() throws {
    var writer = BinaryWriter()
    writer.start(BinaryName("", "a"))
    for _ in 0..<100_000 { writer.text("http://schemas.xmlsoap.org/ws/2005/02/trust/RSTR/SCT/Renew") }
    writer.end()
    var reader = MessageReader(writer.bytes)
    _ = try reader.root()
    let error = #expect(throws: SyncAPIError.self) { try reader.text() }
    #expect(error?.code == .tooLarge)
  }

  @Test func tooManyPropertiesAndObjectsAreRefused() throws {
    var properties = SyncProperties()
    for number in 0...SyncAPILimits.properties { properties["p\(number)"] = .string("x") }
    let error = #expect(throws: SyncAPIError.self) {
      try Self.request(Provision<ProvisionVersion2>([SyncObject(.user, .set, properties)]))
    }
    #expect(error?.code == .tooLarge)
    let many = Array(repeating: SyncObject(.user, .set, [:]), count: SyncAPILimits.objects + 1)
    #expect(throws: SyncAPIError.self) { try Self.request(Provision<ProvisionVersion2>(many)) }
  }

  @Test(arguments: ["nonsense", "", "\u{56}\u{02}"])
  func otherDocumentsAreRefused(text: String) {
    #expect(throws: SyncAPIError.self) { try SyncEnvelope.Incoming(Array(text.utf8)) }
  }
}
