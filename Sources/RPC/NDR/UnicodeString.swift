// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-DTYP 2.3.10 `RPC_UNICODE_STRING`, in two parts as NDR has them: the header within its structure, the text with the
/// pointers' referents after it.
///
///     typedef struct _RPC_UNICODE_STRING {
///       unsigned short Length;
///       unsigned short MaximumLength;
///       [size_is(MaximumLength/2), length_is(Length/2)] WCHAR* Buffer;
///     } RPC_UNICODE_STRING;
struct UnicodeString {
  let length: UInt16
  let isPresent: Bool

  init(header reader: inout NDRReader) throws(ByteError) {
    try reader.align(4)
    length = try reader.read()
    _ = try reader.read(UInt16.self)
    isPresent = try reader.readPointer()
  }

  func text(_ reader: inout NDRReader) throws(ByteError) -> String {
    guard isPresent else { return "" }
    let count = try reader.readVaryingCount(elementSize: 2)
    guard count == Int(length / 2) else {
      throw .malformed(offset: reader.position, reason: "a text of \(count) characters, \(length) bytes announced")
    }
    return String(decoding: try reader.readUnits(count), as: UTF16.self)
  }
}
