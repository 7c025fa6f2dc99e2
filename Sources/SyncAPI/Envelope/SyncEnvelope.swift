// SPDX-License-Identifier: Apache-2.0

import WCF

/// SOAP 1.2 envelopes (W3C, part 1, 5) of the two directions.
package enum SyncEnvelope {
  private static let namespaces: [BinaryAttribute] = [
    .namespace(prefix: "s", uri: Namespace.soap), .namespace(prefix: "a", uri: Namespace.addressing),
  ]

  // MARK: Requests

  package static func request<Call: SyncCall>(_ call: Call, _ header: RequestHeader) -> [UInt8] {
    var writer = MessageWriter()
    writer.element(.soap("Envelope"), namespaces) { writer in
      header.write(&writer)
      writer.element(.soap("Body")) { writer in
        writer.element(.plain(Call.operation), [.namespace(prefix: "", uri: Namespace.change)]) { call.write(&$0) }
      }
    }
    return writer.bytes
  }

  /// A request whose header was read; its body waits until the token was looked at.
  package struct Incoming: Sendable {
    package let header: RequestHeader
    private var reader: MessageReader

    /// - Throws: ``SyncAPIError`` `malformed`.
    package init(_ document: [UInt8]) throws(SyncAPIError) {
      reader = MessageReader(document)
      try SyncEnvelope.open(&reader)
      _ = try reader.child("Header", in: Namespace.soap)
      header = try RequestHeader(&reader)
    }

    /// The body, when it is of this operation.
    ///
    /// - Throws: ``SyncAPIError`` `malformed`, `tooLarge`.
    package mutating func body<Call: SyncCall>(_ type: Call.Type = Call.self) throws(SyncAPIError) -> Call {
      _ = try reader.child("Body", in: Namespace.soap)
      let element = try reader.child(Call.operation, in: Namespace.change)
      let call = try Call(&reader, element)
      while try reader.child() != nil { try reader.skip() }
      return call
    }
  }

  // MARK: Answers

  package static func answer<Call: SyncCall>(_ answer: Call.Answer, to call: Call.Type, relatesTo: String) -> [UInt8] {
    self.answer(action: SyncEndpoint.action("\(Call.operation)Response"), relatesTo: relatesTo) { writer in
      writer.element(.plain("\(Call.operation)Response"), [.namespace(prefix: "", uri: Namespace.change)]) { writer in
        writer.element(.plain("\(Call.operation)Result"), Call.resultNamespaces + [.instance]) { writer in
          Call.write(answer, &writer)
        }
      }
    }
  }

  package static func answer(_ fault: SyncFault, relatesTo: String) -> [UInt8] {
    answer(action: "\(Namespace.addressing)/soap/fault", relatesTo: relatesTo) { fault.write(&$0) }
  }

  private static func answer(
    action: String, relatesTo: String, _ body: (inout MessageWriter) -> Void
  ) -> [UInt8] {
    var writer = MessageWriter()
    writer.element(.soap("Envelope"), namespaces) { writer in
      writer.element(.soap("Header")) { writer in
        writer.leaf(.addressing("Action"), action, [.attribute(.soap("mustUnderstand"), "1")])
        if !relatesTo.isEmpty { writer.leaf(.addressing("RelatesTo"), relatesTo) }
      }
      writer.element(.soap("Body")) { body(&$0) }
    }
    return writer.bytes
  }

  /// - Throws: ``SyncAPIError`` `fault` for a fault, otherwise `malformed` or `tooLarge`.
  package static func readAnswer<Call: SyncCall>(_ document: [UInt8], to call: Call.Type) throws(SyncAPIError)
    -> Call.Answer
  {
    var reader = MessageReader(document)
    try open(&reader)
    _ = try reader.child("Body", in: Namespace.soap)
    guard let element = try reader.child() else { throw MessageReader.malformed("its body is empty") }
    if element.name == "Fault", element.namespace == Namespace.soap {
      throw SyncAPIError(try SyncFault(&reader), Call.operation)
    }
    guard element.name == "\(Call.operation)Response" else {
      throw MessageReader.malformed("it answers \(MessageReader.shown(element.name)), which was not asked")
    }
    guard let result = try reader.child(), result.name == "\(Call.operation)Result" else {
      return try Call.answerWithoutResult()
    }
    return try Call.read(&reader, result)
  }

  private static func open(_ reader: inout MessageReader) throws(SyncAPIError) {
    let root = try reader.root()
    guard root.name == "Envelope", root.namespace == Namespace.soap else {
      throw MessageReader.malformed("it is no SOAP 1.2 envelope")
    }
  }
}
