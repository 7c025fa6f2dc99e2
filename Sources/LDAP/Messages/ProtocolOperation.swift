// SPDX-License-Identifier: Apache-2.0

import Wire

/// The `protocolOp` of a message (RFC 4511 4.1.1): requests and responses alike.
package enum ProtocolOperation: Sendable, Hashable {
  case bindRequest(BindRequest)
  case bindResponse(BindResponse)
  case unbindRequest
  case searchRequest(SearchRequest)
  case searchResultEntry(SearchEntry)
  /// A SearchResultEntry to whoever asked for it in this form.
  case unparsedEntry(UnparsedEntry)
  case searchResultReference([String])
  case searchResultDone(LDAPResult)
  case modifyRequest(ModifyRequest)
  case modifyResponse(LDAPResult)
  case addRequest(AddRequest)
  case addResponse(LDAPResult)
  case deleteRequest(dn: String)
  case deleteResponse(LDAPResult)
  case modifyDNRequest(ModifyDNRequest)
  case modifyDNResponse(LDAPResult)
  case compareRequest(CompareRequest)
  case compareResponse(LDAPResult)
  case abandonRequest(id: Int32)
  case extendedRequest(ExtendedRequest)
  case extendedResponse(ExtendedResponse)
  case intermediateResponse(IntermediateResponse)
}

extension ProtocolOperation {
  init(_ reader: inout BERReader, limits: LDAPLimits) throws(ByteError) {
    guard let tag = reader.nextTag else {
      throw .truncated(offset: reader.position, wanted: 2, available: 0)
    }
    switch tag {
    case 0x42:
      _ = try reader.readContent(tag)
      self = .unbindRequest
      return
    case 0x4A:
      self = .deleteRequest(dn: try reader.readString(tag))
      return
    case 0x50:
      self = .abandonRequest(id: try reader.readCount(tag))
      return
    default: break
    }
    let start = reader.position
    var content = try reader.enter(tag)
    switch tag {
    case 0x60: self = .bindRequest(try BindRequest(&content))
    case 0x61: self = .bindResponse(try BindResponse(&content))
    case 0x63: self = .searchRequest(try SearchRequest(&content))
    case 0x64: self = .searchResultEntry(try SearchEntry(&content, limits: limits))
    case 0x65: self = .searchResultDone(try LDAPResult(&content))
    case 0x66: self = .modifyRequest(try ModifyRequest(&content, limits: limits))
    case 0x67: self = .modifyResponse(try LDAPResult(&content))
    case 0x68: self = .addRequest(try AddRequest(&content, limits: limits))
    case 0x69: self = .addResponse(try LDAPResult(&content))
    case 0x6B: self = .deleteResponse(try LDAPResult(&content))
    case 0x6C: self = .modifyDNRequest(try ModifyDNRequest(&content))
    case 0x6D: self = .modifyDNResponse(try LDAPResult(&content))
    case 0x6E: self = .compareRequest(try CompareRequest(&content))
    case 0x6F: self = .compareResponse(try LDAPResult(&content))
    case 0x73:
      var references: [String] = []
      while !content.isAtEnd { references.append(try content.readString()) }
      self = .searchResultReference(references)
    case 0x77: self = .extendedRequest(try ExtendedRequest(&content))
    case 0x78: self = .extendedResponse(try ExtendedResponse(&content))
    case 0x79: self = .intermediateResponse(try IntermediateResponse(&content))
    default: throw .malformed(offset: start, reason: "unknown operation \(Hex.encode([tag]))")
    }
  }

  func encode(into writer: inout BERWriter) {
    switch self {
    case .bindRequest(let value): writer.constructed(0x60) { value.encode(into: &$0) }
    case .bindResponse(let value): writer.constructed(0x61) { value.encode(into: &$0) }
    case .unbindRequest: writer.octetString([], 0x42)
    case .searchRequest(let value): writer.constructed(0x63) { value.encode(into: &$0) }
    case .searchResultEntry(let value): writer.constructed(0x64) { value.encode(into: &$0) }
    case .unparsedEntry(let value): value.encode(into: &writer)
    case .searchResultReference(let value): writer.constructed(0x73) { for uri in value { $0.string(uri) } }
    case .searchResultDone(let value): writer.constructed(0x65) { value.encode(into: &$0) }
    case .modifyRequest(let value): writer.constructed(0x66) { value.encode(into: &$0) }
    case .modifyResponse(let value): writer.constructed(0x67) { value.encode(into: &$0) }
    case .addRequest(let value): writer.constructed(0x68) { value.encode(into: &$0) }
    case .addResponse(let value): writer.constructed(0x69) { value.encode(into: &$0) }
    case .deleteRequest(let dn): writer.string(dn, 0x4A)
    case .deleteResponse(let value): writer.constructed(0x6B) { value.encode(into: &$0) }
    case .modifyDNRequest(let value): writer.constructed(0x6C) { value.encode(into: &$0) }
    case .modifyDNResponse(let value): writer.constructed(0x6D) { value.encode(into: &$0) }
    case .compareRequest(let value): writer.constructed(0x6E) { value.encode(into: &$0) }
    case .compareResponse(let value): writer.constructed(0x6F) { value.encode(into: &$0) }
    case .abandonRequest(let id): writer.integer(id, 0x50)
    case .extendedRequest(let value): writer.constructed(0x77) { value.encode(into: &$0) }
    case .extendedResponse(let value): writer.constructed(0x78) { value.encode(into: &$0) }
    case .intermediateResponse(let value): writer.constructed(0x79) { value.encode(into: &$0) }
    }
  }
}
