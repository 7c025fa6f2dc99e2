// SPDX-License-Identifier: Apache-2.0

import Wire

@testable import RPC

/// A call of DRSUAPI whose questions and answers may be of any length: what the tests of associations carry.
extension DRSClient {
  /// MS-DRSR 4.1.4.1.3 `DS_NAME_FORMAT`.
  enum NameFormat: UInt32, Sendable {
    case unknown = 0
    case distinguishedName = 1
    /// `DOMAIN\account`
    case nt4Account = 2
    case display = 3
    case guid = 6
    case canonical = 7
    case userPrincipalName = 8
    case servicePrincipalName = 10
    case sidOrSIDHistory = 11
    case dnsDomain = 12
  }

  /// MS-DRSR 4.1.4.1.8 `DS_NAME_RESULT_ITEMW`.
  struct CrackedName: Sendable, Hashable {
    /// 0 found; else 4.1.4.1.6 `DS_NAME_ERROR`: 1 resolving, 2 not found, 3 not unique, 4 no mapping, 5 domain only,
    /// 6 no syntactical mapping, 7 trust referral.
    var status: UInt32
    var domain: String
    var name: String
  }

  /// `IDL_DRSCrackNames`, operation 12 (4.1.4): translates names of objects.
  ///
  ///     typedef struct { ULONG CodePage; ULONG LocaleId; DWORD dwFlags; DWORD formatOffered; DWORD formatDesired;
  ///       [range(1,10000)] DWORD cNames; [string, size_is(cNames)] WCHAR** rpNames; } DRS_MSG_CRACKREQ_V1;
  ///
  /// - Returns: one result for each name, in their order.
  func crackNames(_ names: [String], from offered: NameFormat, to desired: NameFormat) async throws
    -> [CrackedName]
  {
    guard !names.isEmpty else { return [] }
    var writer = NDRWriter()
    handle.write(to: &writer)
    writer.write(UInt32(1))  // dwInVersion
    writer.write(UInt32(1))  // the union's arm
    writer.write(UInt32(1252))
    writer.write(UInt32(0x409))
    writer.write(UInt32(0))
    writer.write(offered.rawValue)
    writer.write(desired.rawValue)
    writer.write(UInt32(names.count))
    writer.writePointer()
    writer.write(UInt32(names.count))
    for _ in names { writer.writePointer() }
    for name in names { writer.write(string: name) }
    let answer = try await association.call(12, "DRSCrackNames", writer.bytes)
    let results = try Self.read("DRSCrackNames", from: association, answer) { reader throws(ByteError) in
      try Self.crackedNames(&reader)
    }
    guard results.count == names.count else {
      throw RPCError.malformed(association.peer, "\(results.count) results for \(names.count) names")
    }
    return results
  }

  static func crackedNames(_ reader: inout NDRReader) throws(ByteError) -> [CrackedName] {
    try reader.expect(1, "version of DRSCrackNames")
    try reader.expect(1, "arm of DRSCrackNames")
    guard try reader.readPointer() else { return [] }
    let announced = try reader.read(UInt32.self)
    guard try reader.readPointer() else { return [] }
    let count = try reader.readCount(announced, elementSize: 12)
    var items: [(status: UInt32, hasDomain: Bool, hasName: Bool)] = []
    for _ in 0..<count {
      items.append((try reader.read(), try reader.readPointer(), try reader.readPointer()))
    }
    var results: [CrackedName] = []
    for item in items {
      results.append(
        CrackedName(
          status: item.status, domain: item.hasDomain ? try reader.readString() : "",
          name: item.hasName ? try reader.readString() : ""))
    }
    return results
  }
}
