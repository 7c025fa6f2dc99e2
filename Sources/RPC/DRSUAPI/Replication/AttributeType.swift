// SPDX-License-Identifier: Apache-2.0

import Wire

/// An attribute by its compressed identifier (MS-DRSR 5.14 `ATTRTYP`): an index into a prefix table and the rest of an
/// object identifier (5.16.4). In requests they refer to the table that every schema begins with (5.16.4 `NewPrefixTable`), in
/// replies to the table of the reply.
package enum AttributeType: UInt32, Sendable, CaseIterable {
  /// 1.2.840.113556.1.4.8
  case userAccountControl = 0x0009_0008
  /// 1.2.840.113556.1.4.90
  case unicodePwd = 0x0009_005a
  /// 1.2.840.113556.1.4.96
  case pwdLastSet = 0x0009_0060
  /// 1.2.840.113556.1.4.146
  case objectSid = 0x0009_0092
  /// 1.2.840.113556.1.4.221
  case sAMAccountName = 0x0009_00dd

  /// BER contents of 1.2.840.113556.1.4, the prefix of all of them.
  static let prefix: [UInt8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x01, 0x04]

  /// BER contents of the object identifier.
  var objectIdentifier: [UInt8] { Self.prefix + Self.lowerArcs(rawValue) }

  /// 5.16.4 `OidFromAttid`: the last arc, from the lower word.
  static func lowerArcs(_ identifier: UInt32) -> [UInt8] {
    var word = identifier & 0xffff
    guard word >= 128 else { return [UInt8(word)] }
    if word >= 32_768 { word -= 32_768 }
    return [UInt8(word / 128 % 128 + 128), UInt8(word % 128)]
  }
}

/// MS-DRSR 5.16.3 `SCHEMA_PREFIX_TABLE`.
///
///     typedef struct { unsigned long length; [size_is(length)] BYTE* elements; } OID_t;
///     typedef struct { unsigned long ndx; OID_t prefix; } PrefixTableEntry;
///     typedef struct { DWORD PrefixCount; [size_is(PrefixCount)] PrefixTableEntry* pPrefixEntry; } SCHEMA_PREFIX_TABLE;
struct SchemaPrefixTable {
  private var prefixes: [UInt32: [UInt8]] = [:]

  /// Reads the entries: what the pointer in the structure points to.
  init(_ reader: inout NDRReader, count announced: UInt32) throws(ByteError) {
    let count = try reader.readCount(announced, elementSize: 12)
    var entries: [(index: UInt32, length: UInt32, isPresent: Bool)] = []
    for _ in 0..<count { entries.append((try reader.read(), try reader.read(), try reader.readPointer())) }
    for entry in entries where entry.isPresent {
      let length = try reader.readCount(entry.length, elementSize: 1)
      prefixes[entry.index] = try reader.readBytes(length)
    }
  }

  init() {}

  /// The attribute behind a reply's identifier; nil for those that this client does not know.
  func attribute(_ identifier: UInt32) -> AttributeType? {
    // A reply without a table uses the standard one.
    guard !prefixes.isEmpty else { return AttributeType(rawValue: identifier) }
    guard let prefix = prefixes[identifier >> 16] else { return nil }
    let name = prefix + AttributeType.lowerArcs(identifier)
    return AttributeType.allCases.first { $0.objectIdentifier == name }
  }
}
