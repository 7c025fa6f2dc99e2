// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The local security authority of a domain controller (MS-LSAD, MS-LSAT): which domain it is of, and whom that trusts.
///
/// Servers offer it over SMB's pipe `lsarpc`; over TCP only where they choose to (Samba refuses with a fault).
package struct LSAClient: Sendable {
  private let association: RPCAssociation
  private let policy: ContextHandle

  /// MS-LSAD 2.2.1.1.2: `POLICY_VIEW_LOCAL_INFORMATION` and `POLICY_LOOKUP_NAMES`: reading, nothing else.
  private static let readOnly: UInt32 = 0x0000_0801

  /// `LsarOpenPolicy2`, operation 44 (MS-LSAD 3.1.4.4.1).
  ///
  ///     NTSTATUS LsarOpenPolicy2([in, unique, string] wchar_t* SystemName,
  ///       [in] PLSAPR_OBJECT_ATTRIBUTES ObjectAttributes, [in] ACCESS_MASK DesiredAccess,
  ///       [out] LSAPR_HANDLE* PolicyHandle);
  ///
  /// - Parameter association: one with ``RPCInterface/lsarpc``.
  package static func open(_ association: RPCAssociation) async throws -> LSAClient {
    var writer = NDRWriter()
    writer.writePointer(if: false)
    writer.write(UInt32(24))  // LSAPR_OBJECT_ATTRIBUTES: its length; the rest is ignored and null
    for _ in 0..<5 { writer.write(UInt32(0)) }
    writer.write(readOnly)
    let (handle, _) = try await RemoteStatus.call(association, 44, "LsarOpenPolicy2", writer) {
      reader throws(ByteError) in try ContextHandle(&reader)
    }
    return LSAClient(association: association, policy: handle)
  }

  /// `LsarClose`, operation 0 (MS-LSAD 3.1.4.9.4).
  package func close() async throws {
    var writer = NDRWriter()
    policy.write(to: &writer)
    _ = try await RemoteStatus.call(association, 0, "LsarClose", writer) { _ throws(ByteError) in }
  }

  // MARK: - The domain

  /// MS-LSAD 2.2.4.14 `LSAPR_POLICY_DNS_DOMAIN_INFO`.
  package struct Domain: Sendable, Hashable {
    package var netBIOSName: String
    package var dnsName: String
    package var forest: String
    package var guid: GUID
    package var sid: SecurityIdentifier?
  }

  /// `LsarQueryInformationPolicy2`, operation 46 (MS-LSAD 3.1.4.4.3), class `PolicyDnsDomainInformation` (12).
  package func domain() async throws -> Domain {
    var writer = NDRWriter()
    policy.write(to: &writer)
    writer.write(UInt16(12))
    return try await RemoteStatus.call(association, 46, "LsarQueryInformationPolicy2", writer) {
      reader throws(ByteError) in try Self.domain(&reader)
    }.value
  }

  static func domain(_ reader: inout NDRReader) throws(ByteError) -> Domain {
    guard try reader.readPointer() else {
      throw .malformed(offset: reader.position, reason: "no information where it is promised")
    }
    let at = reader.position
    guard try reader.read(UInt16.self) == 12 else {
      throw .malformed(offset: at, reason: "another class of information than was asked for")
    }
    let headers = (
      try UnicodeString(header: &reader), try UnicodeString(header: &reader), try UnicodeString(header: &reader)
    )
    let guid = try reader.readGUID()
    let hasSID = try reader.readPointer()
    return Domain(
      netBIOSName: try headers.0.text(&reader), dnsName: try headers.1.text(&reader),
      forest: try headers.2.text(&reader), guid: guid, sid: hasSID ? try reader.readSID() : nil)
  }

  // MARK: - Trusts

  /// MS-LSAD 2.2.7.9 `LSAPR_TRUSTED_DOMAIN_INFORMATION_EX`.
  package struct Trust: Sendable, Hashable {
    package var name: String
    package var netBIOSName: String
    package var sid: SecurityIdentifier?
    /// Bit 1 inbound, bit 2 outbound.
    package var direction: UInt32
    /// 1 NT, 2 Active Directory, 3 MIT, 4 DCE.
    package var type: UInt32
    package var attributes: UInt32
  }

  /// Trusts in one answer and answers in one enumeration: a forest with more than 100,000 trusts is an attack.
  private static let maximumAnswers = 1000

  /// `LsarEnumerateTrustedDomainsEx`, operation 50 (MS-LSAD 3.1.4.7.6), until there are no more.
  package func trusts() async throws -> [Trust] {
    var result: [Trust] = []
    var context: UInt32 = 0
    for _ in 0..<Self.maximumAnswers {
      var writer = NDRWriter()
      policy.write(to: &writer)
      writer.write(context)
      writer.write(UInt32(0x0001_0000))  // PreferedMaximumLength: bytes of one answer
      let ((next, trusts), status) = try await RemoteStatus.call(
        association, 50, "LsarEnumerateTrustedDomainsEx", writer,
        accepting: [.moreEntries, .noMoreEntries]
      ) { reader throws(ByteError) in try Self.trusts(&reader) }
      result += trusts
      guard status == .moreEntries, next != context else { return result }
      context = next
    }
    throw RPCError.tooLarge(association.peer, "\(result.count) trusts without an end")
  }

  static func trusts(_ reader: inout NDRReader) throws(ByteError) -> (UInt32, [Trust]) {
    let next = try reader.read(UInt32.self)
    let announced = try reader.read(UInt32.self)
    guard try reader.readPointer() else { return (next, []) }
    let count = try reader.readCount(announced, elementSize: 32)
    var items: [(name: UnicodeString, flat: UnicodeString, hasSID: Bool, numbers: [UInt32])] = []
    for _ in 0..<count {
      items.append(
        (
          try UnicodeString(header: &reader), try UnicodeString(header: &reader), try reader.readPointer(),
          [try reader.read(), try reader.read(), try reader.read()]
        ))
    }
    var trusts: [Trust] = []
    for item in items {
      trusts.append(
        Trust(
          name: try item.name.text(&reader), netBIOSName: try item.flat.text(&reader),
          sid: item.hasSID ? try reader.readSID() : nil, direction: item.numbers[0], type: item.numbers[1],
          attributes: item.numbers[2]))
    }
    return (next, trusts)
  }

  // MARK: - Names

  /// MS-LSAT 2.2.19 `LSAPR_TRANSLATED_NAME`.
  package struct TranslatedName: Sendable, Hashable {
    /// MS-LSAT 2.2.13 `SID_NAME_USE`: 1 user, 2 group, 3 domain, 4 alias, 5 well-known, 6 deleted, 7 invalid, 8 unknown,
    /// 9 computer.
    package var use: UInt16
    package var name: String
    /// The NetBIOS name of the domain; nil where there is none.
    package var domain: String?
  }

  /// `LsarLookupSids`, operation 15 (MS-LSAT 3.1.4.11): one name for each identifier, in their order.
  package func names(of identifiers: [SecurityIdentifier]) async throws -> [TranslatedName] {
    guard !identifiers.isEmpty else { return [] }
    var writer = NDRWriter()
    policy.write(to: &writer)
    writer.write(UInt32(identifiers.count))
    writer.writePointer()
    writer.write(UInt32(identifiers.count))
    for _ in identifiers { writer.writePointer() }
    for identifier in identifiers {
      writer.align(4)
      writer.write(identifier)
    }
    writer.write(UInt32(0))  // TranslatedNames: none yet
    writer.writePointer(if: false)
    writer.write(UInt16(1))  // LookupLevel: LsapLookupWksta
    writer.write(UInt32(0))  // MappedCount
    return try await RemoteStatus.call(
      association, 15, "LsarLookupSids", writer, accepting: [.someNotMapped, .noneMapped]
    ) { reader throws(ByteError) in try Self.names(&reader) }.value
  }

  static func names(_ reader: inout NDRReader) throws(ByteError) -> [TranslatedName] {
    var domains: [String] = []
    if try reader.readPointer() {
      let announced = try reader.read(UInt32.self)
      let hasDomains = try reader.readPointer()
      _ = try reader.read(UInt32.self)  // MaxEntries, ignored
      if hasDomains {
        let count = try reader.readCount(announced, elementSize: 12)
        var items: [(name: UnicodeString, hasSID: Bool)] = []
        for _ in 0..<count { items.append((try UnicodeString(header: &reader), try reader.readPointer())) }
        for item in items {
          domains.append(try item.name.text(&reader))
          if item.hasSID { _ = try reader.readSID() }
        }
      }
    }
    let announced = try reader.read(UInt32.self)
    guard try reader.readPointer() else { return [] }
    let count = try reader.readCount(announced, elementSize: 16)
    var items: [(use: UInt16, name: UnicodeString, domain: Int32)] = []
    for _ in 0..<count {
      let use = try reader.read(UInt16.self)
      items.append((use, try UnicodeString(header: &reader), try reader.read()))
    }
    var names: [TranslatedName] = []
    for item in items {
      let index = Int(item.domain)
      names.append(
        TranslatedName(
          use: item.use, name: try item.name.text(&reader),
          domain: domains.indices.contains(index) ? domains[index] : nil))
    }
    return names
  }
}
