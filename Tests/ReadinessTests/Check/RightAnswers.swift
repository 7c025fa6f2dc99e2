// SPDX-License-Identifier: Apache-2.0

import DirectoryLocator
import Foundation
import LDAP
import Wire

@testable import Kerberos

/// Answers as a DNS server that holds corp.example gives them (RFC 1035 4.1, RFC 2782).
enum DNSAnswers {
  static func answer(_ question: [UInt8], isStream: Bool) -> [UInt8] {
    guard isStream else { return answer(question) }
    return DNSQuery.messages(onStream: question).flatMap { message in
      let reply = answer(message)
      return [UInt8(reply.count >> 8), UInt8(reply.count & 0xff)] + reply
    }
  }

  private static func answer(_ query: [UInt8]) -> [UInt8] {
    let (end, labels, type) = question(query)
    let header = query.prefix(2) + [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]
    let record: [UInt8] =
      if type == 33 {
        [0, 0, 0, 100] + (labels.first == "_gc" ? [0x0c, 0xc4] : [0x01, 0x85]) + name(["dc1", "corp", "example"])
      } else {
        [192, 0, 2, 10]
      }
    // The name as a pointer to the question's, type, class, a minute's life.
    let answer = [0xc0, 0x0c, 0, UInt8(type), 0, 1, 0, 0, 0, 60, 0, UInt8(record.count)] + record
    return Array(header) + query[12..<end] + answer
  }

  /// Every message on the wire answers one of the questions.
  static func isAnswer(_ question: [UInt8], _ answer: [UInt8], isStream: Bool) -> Bool {
    let questions = isStream ? DNSQuery.messages(onStream: question) : [question]
    let answers = isStream ? DNSQuery.messages(onStream: answer) : [answer]
    return answers.count == questions.count
      && questions.allSatisfy { message in
        let (_, labels, type) = Self.question(message)
        let kind: DNSQuery.Kind = type == 33 ? .service : type == 1 ? .address : .zone
        let identifier = UInt16(message[0]) << 8 | UInt16(message[1])
        let query = DNSQuery(labels.joined(separator: "."), kind, identifier: identifier)
        return answers.contains { query?.reply($0) != nil }
      }
  }

  private static func question(_ query: [UInt8]) -> (end: Int, labels: [String], type: Int) {
    var position = 12
    var labels: [String] = []
    while query[position] != 0 {
      let length = Int(query[position])
      labels.append(String(decoding: query[(position + 1)...(position + length)], as: UTF8.self))
      position += length + 1
    }
    return (position + 5, labels, Int(query[position + 2]))
  }

  private static func name(_ labels: [String]) -> [UInt8] {
    labels.flatMap { [UInt8($0.utf8.count)] + $0.utf8 } + [0]
  }
}

/// A KDC's answer to a name that it does not know.
enum KerberosAnswers {
  static func unknownPrincipal(isStream: Bool) -> [UInt8] {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(identifier: "UTC")
    format.dateFormat = "yyyyMMddHHmmss'Z'"
    let time = Array(format.string(from: Date()).utf8)
    let message = error(6, time: time)
    return isStream ? KDCFrame.encode(message) : message
  }

  private static func error(_ code: Int64, time: [UInt8]) -> [UInt8] {
    let fields =
      DERWriter.element(0xa0, DERWriter.integer(5)) + DERWriter.element(0xa1, DERWriter.integer(30))
      + DERWriter.element(0xa4, DERWriter.element(DERTag.generalizedTime, time))
      + DERWriter.element(0xa5, DERWriter.integer(0)) + DERWriter.element(0xa6, DERWriter.integer(code))
      + DERWriter.element(0xa9, DERWriter.element(DERTag.generalString, Array("CORP.EXAMPLE".utf8)))
    return DERWriter.element(KerberosErrorMessage.tag, DERWriter.element(DERTag.sequence, fields))
  }
}

/// A domain controller's answers.
enum LDAPAnswers {
  static func ping(_ question: [UInt8]) -> [UInt8] {
    guard let id = try? LDAPMessage(question).id, let guid = GUID([UInt8](repeating: 7, count: 16)) else { return [] }
    let reply = NetlogonReply(
      flags: [.ldap, .directoryService, .kdc, .writable, .globalCatalog], domainGUID: guid, forest: "corp.example",
      domain: "corp.example", hostName: "dc1.corp.example", netbiosDomain: "CORP", netbiosComputer: "DC1",
      site: "Default-First-Site-Name", clientSite: "")
    return entry(id, [Attribute("NetLogon", [reply.encoded[...]])])
  }

  static func rootDSE(_ question: [UInt8]) -> [UInt8] {
    guard let id = try? LDAPMessage(question).id else { return [] }
    return entry(
      id,
      [
        Attribute("defaultNamingContext", ["DC=corp,DC=example"]), Attribute("dnsHostName", ["dc1.corp.example"]),
        Attribute("rootDomainNamingContext", ["DC=corp,DC=example"]), Attribute("isGlobalCatalogReady", ["TRUE"]),
      ])
  }

  static func isPing(_ question: [UInt8], _ answer: [UInt8]) throws -> Bool {
    let id = try LDAPMessage(question).id
    return try NetlogonAnswer(datagram: answer, messageID: id) != .unrelated
  }

  private static func entry(_ id: Int32, _ attributes: [Attribute]) -> [UInt8] {
    LDAPMessage(id: id, .searchResultEntry(SearchEntry(dn: "", attributes: attributes))).encoded
      + LDAPMessage(id: id, .searchResultDone(LDAPResult(.success))).encoded
  }
}
