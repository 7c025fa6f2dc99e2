// SPDX-License-Identifier: Apache-2.0

import Wire

/// A KDC's refusal (RFC 4120 5.9.1).
///
/// ```
/// KRB-ERROR ::= [APPLICATION 30] SEQUENCE {
///   pvno [0] INTEGER (5), msg-type [1] INTEGER (30), ctime [2] KerberosTime OPTIONAL, cusec [3] Microseconds OPTIONAL,
///   stime [4] KerberosTime, susec [5] Microseconds, error-code [6] Int32, crealm [7] Realm OPTIONAL,
///   cname [8] PrincipalName OPTIONAL, realm [9] Realm, sname [10] PrincipalName, e-text [11] KerberosString OPTIONAL,
///   e-data [12] OCTET STRING OPTIONAL }
/// ```
/// It is not authenticated: whoever can answer in the KDC's place can send one.
struct KerberosErrorMessage: Sendable, Equatable {
  /// `error-code`, RFC 4120 7.5.9.
  var code: Int32
  /// `stime`: seconds since 1970 by the KDC's clock.
  var serverTime: Int64
  /// `e-text`.
  var text: String?
  /// The NTSTATUS that Active Directory adds in `e-data` (MS-KILE 2.2.1 KERB-EXT-ERROR).
  var status: NTStatus?

  /// `[APPLICATION 30]`, constructed.
  static let tag: UInt8 = 0x7e

  init(_ bytes: [UInt8]) throws(ByteError) {
    var message = DERReader(bytes)
    var outer = DERReader(try message.next(Self.tag))
    guard message.isAtEnd else { throw .malformed(offset: bytes.count, reason: "bytes after the KRB-ERROR") }
    var fields = DERReader(try outer.next(DERTag.sequence))
    var code: Int64?
    var time: Int64?
    while !fields.isAtEnd {
      let field = try fields.next()
      var value = DERReader(field.content)
      switch field.tag {
      case 0xa0:
        guard try DERReader.integer(value.next(DERTag.integer)) == 5 else {
          throw .malformed(offset: 0, reason: "no Kerberos version 5")
        }
      case 0xa4: time = try Self.time(value.next(DERTag.generalizedTime))
      case 0xa6: code = try DERReader.integer(value.next(DERTag.integer))
      case 0xab: text = String(decoding: try value.next(DERTag.generalString).prefix(Self.maximumText), as: UTF8.self)
      // Active Directory's addition is a bonus: an e-data of another shape (METHOD-DATA, say) is no fault.
      case 0xac: status = try? Self.status(in: value.next(DERTag.octetString))
      default: break
      }
    }
    guard let code, let code = Int32(exactly: code), let time else {
      throw .malformed(offset: 0, reason: "a KRB-ERROR without error-code or stime")
    }
    self.code = code
    serverTime = time
  }

  /// An e-text is shown to people; no KDC has more to say than this.
  private static let maximumText = 256

  /// RFC 4120 5.2.3 KerberosTime: `YYYYMMDDHHMMSSZ`, no fractions.
  private static func time(_ content: [UInt8]) throws(ByteError) -> Int64 {
    guard content.count == 15, content[14] == UInt8(ascii: "Z"),
      content[..<14].allSatisfy({ (0x30...0x39).contains($0) })
    else { throw .malformed(offset: 0, reason: "no KerberosTime") }
    func number(_ range: Range<Int>) -> Int { content[range].reduce(0) { $0 * 10 + Int($1 - 0x30) } }
    let time = CivilTime(
      year: number(0..<4), month: number(4..<6), day: number(6..<8), hour: number(8..<10), minute: number(10..<12),
      second: number(12..<14))
    guard let time else { throw .malformed(offset: 0, reason: "no KerberosTime") }
    return time.unixSeconds
  }

  /// Finds the KERB-EXT-ERROR: in a KERB-ERROR-DATA of type 3 or in a METHOD-DATA entry of type 3 (MS-KILE 2.2.2).
  private static func status(in data: [UInt8]) throws(ByteError) -> NTStatus? {
    var outer = DERReader(data)
    let content = try outer.next(DERTag.sequence)
    if content.first != DERTag.sequence { return try extendedError(content) }
    var list = DERReader(content)
    while !list.isAtEnd {
      if let status = try extendedError(list.next(DERTag.sequence)) { return status }
    }
    return nil
  }

  /// `[1] INTEGER (3), [2] OCTET STRING (status, reserved, flags; little-endian)`.
  private static func extendedError(_ entry: [UInt8]) throws(ByteError) -> NTStatus? {
    var fields = DERReader(entry)
    var type = DERReader(try fields.next(0xa1))
    guard try DERReader.integer(type.next(DERTag.integer)) == 3, !fields.isAtEnd else { return nil }
    var value = DERReader(try fields.next(0xa2))
    let bytes = try value.next(DERTag.octetString)
    guard bytes.count == 12 else { return nil }
    var reader = ByteReader(bytes)
    return NTStatus(try reader.readLittleEndian())
  }
}
