// SPDX-License-Identifier: Apache-2.0

import Wire

/// RFC 2696 2:
///
///     realSearchControlValue ::= SEQUENCE {
///          size            INTEGER (0..maxInt),
///          cookie          OCTET STRING }
struct PagedResults: Sendable, Hashable {
  /// In a request the page's size, in an answer an estimate of the whole.
  var size: Int32
  /// Empty in the first request and in the last answer.
  var cookie: [UInt8]

  init(size: Int32, cookie: [UInt8]) {
    self.size = size
    self.cookie = cookie
  }

  init(_ control: Control) throws(ByteError) {
    var reader = BERReader(control.value ?? [])
    var content = try reader.enter()
    size = Int32(clamping: try content.readInteger())
    cookie = Array(try content.readOctetString())
  }

  var control: Control {
    var writer = BERWriter()
    writer.constructed {
      $0.integer(size)
      $0.octetString(cookie)
    }
    return Control(.pagedResults, isCritical: true, value: writer.bytes)
  }
}
