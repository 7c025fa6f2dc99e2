// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A domain controller as the directory describes it (MS-DRSR 4.1.5.1.5 `DS_DOMAIN_CONTROLLER_INFO_2W`).
package struct DomainControllerInfo: Sendable, Hashable {
  package var netBIOSName = ""
  package var dnsHostName = ""
  package var site = ""
  package var siteObject = ""
  package var computerObject = ""
  package var serverObject = ""
  package var dsaObject = ""
  package var isPDC = false
  package var isEnabled = false
  package var isGlobalCatalog = false
  package var siteGUID = GUID.zero
  package var computerGUID = GUID.zero
  package var serverGUID = GUID.zero
  /// The DSA's objectGUID, by which other DSAs know it.
  package var dsaGUID = GUID.zero
}

extension DRSClient {
  /// `IDL_DRSDomainControllerInfo`, operation 16 (4.1.5), information level 2.
  ///
  ///     typedef struct { [string] WCHAR* Domain; DWORD InfoLevel; } DRS_MSG_DCINFOREQ_V1;
  ///     typedef struct { DWORD cItems; [size_is(cItems)] DS_DOMAIN_CONTROLLER_INFO_2W* rItems; } DRS_MSG_DCINFOREPLY_V2;
  ///
  /// - Parameter domain: DNS or NetBIOS name.
  package func domainControllers(of domain: String) async throws -> [DomainControllerInfo] {
    var writer = NDRWriter()
    handle.write(to: &writer)
    writer.write(UInt32(1))  // dwInVersion
    writer.write(UInt32(1))  // the union's arm
    writer.writePointer()
    writer.write(UInt32(2))
    writer.write(string: domain)
    let answer = try await association.call(16, "DRSDomainControllerInfo", writer.bytes)
    return try Self.read("DRSDomainControllerInfo", from: association, answer) { reader throws(ByteError) in
      try Self.domainControllers(&reader)
    }
  }

  static func domainControllers(_ reader: inout NDRReader) throws(ByteError) -> [DomainControllerInfo] {
    try reader.expect(2, "version of DRSDomainControllerInfo")
    try reader.expect(2, "arm of DRSDomainControllerInfo")
    let announced = try reader.read(UInt32.self)
    guard try reader.readPointer() else { return [] }
    // Seven pointers, three flags and four GUIDs each.
    let count = try reader.readCount(announced, elementSize: 104)
    var items: [(texts: [Bool], info: DomainControllerInfo)] = []
    for _ in 0..<count {
      var texts: [Bool] = []
      for _ in 0..<7 { texts.append(try reader.readPointer()) }
      var info = DomainControllerInfo()
      info.isPDC = try reader.read(UInt32.self) != 0
      info.isEnabled = try reader.read(UInt32.self) != 0
      info.isGlobalCatalog = try reader.read(UInt32.self) != 0
      info.siteGUID = try reader.readGUID()
      info.computerGUID = try reader.readGUID()
      info.serverGUID = try reader.readGUID()
      info.dsaGUID = try reader.readGUID()
      items.append((texts, info))
    }
    let fields: [WritableKeyPath<DomainControllerInfo, String>] = [
      \.netBIOSName, \.dnsHostName, \.site, \.siteObject, \.computerObject, \.serverObject, \.dsaObject,
    ]
    var result: [DomainControllerInfo] = []
    for item in items {
      var info = item.info
      for (isPresent, field) in zip(item.texts, fields) where isPresent {
        info[keyPath: field] = try reader.readString()
      }
      result.append(info)
    }
    return result
  }
}
