// SPDX-License-Identifier: Apache-2.0

import CARES
import Glibc
import Wire

/// Reads the answers that c-ares has already matched with their question.
enum DNSRecords {
  /// Addresses of one host that are read; more would never be tried.
  private static let maximumAddresses = 256
  /// RFC 1035 2.3.4, without the trailing dot.
  private static let maximumNameLength = 253

  /// - Returns: nil when the message is malformed. A target of `.` means that the service is not offered (RFC 2782).
  static func services(_ message: [UInt8]) -> [ServiceRecord]? {
    var first: UnsafeMutablePointer<ares_srv_reply>?
    let status = ares_parse_srv_reply(message, CInt(message.count), &first)
    if status == ARES_ENODATA { return [] }
    guard status == ARES_SUCCESS else { return nil }
    defer { if let first { ares_free_data(first) } }
    var records: [ServiceRecord] = []
    var next = first
    while let record = next?.pointee {
      if let target = hostName(record.host) {
        records.append(
          ServiceRecord(priority: record.priority, weight: record.weight, port: record.port, target: target))
      }
      next = record.next
    }
    return records
  }

  /// Texts of one name that are read; a domain's own are few.
  private static let maximumTexts = 256

  /// The texts of TXT records, the strings of each joined without a separator, as those who publish long ones mean it
  /// (RFC 7208 3.3). One that is no UTF-8 is left out.
  ///
  /// - Returns: nil when the message is malformed.
  static func texts(_ message: [UInt8]) -> [String]? {
    var first: UnsafeMutablePointer<ares_txt_ext>?
    let status = ares_parse_txt_reply_ext(message, CInt(message.count), &first)
    if status == ARES_ENODATA { return [] }
    guard status == ARES_SUCCESS else { return nil }
    defer { if let first { ares_free_data(first) } }
    var texts: [[UInt8]] = []
    var next = first
    while let part = next?.pointee {
      if part.record_start != 0 {
        guard texts.count < maximumTexts else { break }
        texts.append([])
      }
      if !texts.isEmpty { texts[texts.count - 1] += UnsafeBufferPointer(start: part.txt, count: part.length) }
      next = part.next
    }
    return texts.compactMap { String(validating: $0, as: UTF8.self) }
  }

  /// - Returns: nil when the message is malformed.
  static func addresses(_ message: [UInt8], type: DNSRecordType) -> [String]? {
    type == .aaaa ? addresses6(message) : addresses4(message)
  }

  private static func addresses4(_ message: [UInt8]) -> [String]? {
    var records = [ares_addrttl](repeating: ares_addrttl(), count: maximumAddresses)
    var count = CInt(records.count)
    let status = ares_parse_a_reply(message, CInt(message.count), nil, &records, &count)
    if status == ARES_ENODATA { return [] }
    guard status == ARES_SUCCESS else { return nil }
    return records.prefix(Int(count)).compactMap { record in
      withUnsafeBytes(of: record.ipaddr) { $0.baseAddress.flatMap { NumericAddress.text($0, family: AF_INET) } }
    }
  }

  private static func addresses6(_ message: [UInt8]) -> [String]? {
    var records = [ares_addr6ttl](repeating: ares_addr6ttl(), count: maximumAddresses)
    var count = CInt(records.count)
    let status = ares_parse_aaaa_reply(message, CInt(message.count), nil, &records, &count)
    if status == ARES_ENODATA { return [] }
    guard status == ARES_SUCCESS else { return nil }
    return records.prefix(Int(count)).compactMap { record in
      withUnsafeBytes(of: record.ip6addr) { $0.baseAddress.flatMap { NumericAddress.text($0, family: AF_INET6) } }
    }
  }

  /// A name that can go into URLs, principals and logs: letters, digits, `-`, `_` and dots; nil for anything else.
  private static func hostName(_ pointer: UnsafePointer<CChar>?) -> String? {
    guard let pointer else { return nil }
    var name = Substring(String(cString: pointer))
    if name.hasSuffix(".") { name.removeLast() }
    let allowed = name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
      default: false
      }
    }
    return allowed && !name.isEmpty && name.utf8.count <= maximumNameLength ? String(name) : nil
  }
}
