// SPDX-License-Identifier: Apache-2.0

@testable import Kerberos

/// Builds KRB-ERRORs as a KDC would (RFC 4120 5.9.1).
enum Messages {
  static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    let length: [UInt8] =
      content.count < 128
      ? [UInt8(content.count)] : [0x82, UInt8(content.count >> 8), UInt8(content.count & 0xff)]
    return [tag] + length + content
  }

  static func error(
    _ code: Int32, time: String = "20231114221320Z", text: String? = nil, data: [UInt8]? = nil
  ) -> [UInt8] {
    func integer(_ value: Int32) -> [UInt8] { element(0x02, [UInt8(value >> 8 & 0xff), UInt8(value & 0xff)]) }
    var fields = element(0xa0, element(0x02, [5])) + element(0xa1, element(0x02, [30]))
    fields += element(0xa4, element(0x18, Array(time.utf8))) + element(0xa5, integer(0))
    fields += element(0xa6, integer(code)) + element(0xa9, element(0x1b, Array("CORP.EXAMPLE".utf8)))
    fields += element(0xaa, element(0x30, element(0xa0, element(0x02, [2])) + element(0xa1, element(0x30, []))))
    if let text { fields += element(0xab, element(0x1b, Array(text.utf8))) }
    if let data { fields += element(0xac, element(0x04, data)) }
    return element(0x7e, element(0x30, fields))
  }

  /// A KERB-ERROR-DATA with the NTSTATUS (MS-KILE 2.2.1, 2.2.2).
  static func errorData(_ status: UInt32) -> [UInt8] {
    let value = (0..<4).map { UInt8(truncatingIfNeeded: status >> (8 * $0)) } + [0, 0, 0, 0, 1, 0, 0, 0]
    return element(0x30, element(0xa1, element(0x02, [3])) + element(0xa2, element(0x04, value)))
  }

  /// What the transport takes for a ticket: it looks at the outermost tag and length only.
  static let ticket = element(0x6b, Array(repeating: 0x41, count: 300))
}
