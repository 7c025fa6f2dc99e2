// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The account manager of a domain controller (MS-SAMR): accounts and their passwords.
///
/// It takes passwords over SMB's pipe `samr` only, where the association itself is not authenticated (MS-SAMR 2.1) and the
/// pipe's session key protects them.
package struct SAMClient: Sendable {
  let association: RPCAssociation
  let handle: ContextHandle
  /// MS-SAMR 2.2.3.15 `SupportedFeatures` of the server.
  package let features: UInt32

  /// An opened domain or account.
  package struct Object: Sendable, Hashable {
    let handle: ContextHandle
  }

  /// MS-SAMR 2.2.1 access masks, those used here.
  package struct Access: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// `SAM_SERVER_CONNECT` and `SAM_SERVER_LOOKUP_DOMAIN`.
    static let lookUpDomain = Access(rawValue: 0x0000_0021)
    /// `DOMAIN_LOOKUP`.
    package static let lookUp = Access(rawValue: 0x0000_0200)
    /// `DOMAIN_CREATE_USER`.
    package static let createUser = Access(rawValue: 0x0000_0010)
    /// `USER_READ_GENERAL`, `USER_READ_PREFERENCES`, `USER_READ_LOGON` and `USER_READ_ACCOUNT`.
    package static let readUser = Access(rawValue: 0x0000_001b)
    /// `USER_WRITE_ACCOUNT`.
    package static let writeAccount = Access(rawValue: 0x0000_0020)
    /// `USER_FORCE_PASSWORD_CHANGE`.
    package static let setPassword = Access(rawValue: 0x0000_0080)
    /// `DELETE`.
    package static let delete = Access(rawValue: 0x0001_0000)
    /// `MAXIMUM_ALLOWED`.
    package static let maximum = Access(rawValue: 0x0200_0000)
  }

  /// `SamrConnect5`, operation 64 (3.1.5.1.1).
  ///
  ///     long SamrConnect5([in, unique, string] PSAMPR_SERVER_NAME ServerName, [in] unsigned long DesiredAccess,
  ///       [in] unsigned long InVersion, [in, switch_is(InVersion)] SAMPR_REVISION_INFO* InRevisionInfo,
  ///       [out] unsigned long* OutVersion, [out, switch_is(*OutVersion)] SAMPR_REVISION_INFO* OutRevisionInfo,
  ///       [out] SAMPR_HANDLE* ServerHandle);
  ///
  /// - Parameters:
  ///   - association: one with ``RPCInterface/samr``.
  ///   - host: the server's name.
  package static func connect(_ association: RPCAssociation, host: String) async throws -> SAMClient {
    var writer = NDRWriter()
    writer.writePointer()
    writer.write(string: "\\\\" + host)
    writer.write(Access.lookUpDomain.rawValue)
    writer.write(UInt32(1))
    writer.write(UInt32(1))
    writer.write(UInt32(3))  // Revision: a client of Windows XP or newer
    writer.write(UInt32(0))
    return try await RemoteStatus.call(association, 64, "SamrConnect5", writer) { reader throws(ByteError) in
      try reader.expect(1, "version of SamrConnect5")
      try reader.expect(1, "arm of SamrConnect5")
      _ = try reader.read(UInt32.self)
      let features = try reader.read(UInt32.self)
      return SAMClient(association: association, handle: try ContextHandle(&reader), features: features)
    }.value
  }

  /// `SamrLookupDomainInSamServer`, operation 5 (3.1.5.11.1).
  package func identifier(ofDomain name: String) async throws -> SecurityIdentifier {
    var writer = NDRWriter()
    handle.write(to: &writer)
    writer.writeHeader(of: name)
    writer.writeText(of: name)
    return try await RemoteStatus.call(association, 5, "SamrLookupDomainInSamServer", writer) {
      reader throws(ByteError) in
      guard try reader.readPointer() else {
        throw .malformed(offset: reader.position, reason: "no identifier where it is promised")
      }
      return try reader.readSID()
    }.value
  }

  /// `SamrOpenDomain`, operation 7 (3.1.5.1.5).
  package func openDomain(_ sid: SecurityIdentifier, _ access: Access) async throws -> Object {
    var writer = NDRWriter()
    handle.write(to: &writer)
    writer.write(access.rawValue)
    writer.write(sid)
    return try await open(7, "SamrOpenDomain", writer)
  }

  /// `SamrLookupNamesInDomain`, operation 17 (3.1.5.11.2), for one name.
  /// - Returns: the account's relative identifier.
  package func relativeIdentifier(of name: String, in domain: Object) async throws -> UInt32 {
    var writer = NDRWriter()
    domain.handle.write(to: &writer)
    writer.write(UInt32(1))
    // [size_is(1000), length_is(Count)]
    writer.write(UInt32(1000))
    writer.write(UInt32(0))
    writer.write(UInt32(1))
    writer.writeHeader(of: name)
    writer.writeText(of: name)
    return try await RemoteStatus.call(association, 17, "SamrLookupNamesInDomain", writer) {
      reader throws(ByteError) in
      let announced = try reader.read(UInt32.self)
      guard announced == 1, try reader.readPointer(), try reader.readCount(announced, elementSize: 4) == 1 else {
        throw .malformed(offset: reader.position, reason: "\(announced) identifiers for one name")
      }
      return try reader.read(UInt32.self)
    }.value
  }

  /// `SamrOpenUser`, operation 34 (3.1.5.1.9).
  package func openUser(_ identifier: UInt32, in domain: Object, _ access: Access) async throws -> Object {
    var writer = NDRWriter()
    domain.handle.write(to: &writer)
    writer.write(access.rawValue)
    writer.write(identifier)
    return try await open(34, "SamrOpenUser", writer)
  }

  /// `SamrCreateUser2InDomain`, operation 50 (3.1.5.4.4).
  /// - Parameter type: MS-SAMR 2.2.1.12: 0x10 user, 0x80 workstation. A workstation is created disabled.
  package func createUser(
    _ name: String, in domain: Object, type: UInt32, _ access: Access
  ) async throws -> (user: Object, identifier: UInt32) {
    var writer = NDRWriter()
    domain.handle.write(to: &writer)
    writer.writeHeader(of: name)
    writer.writeText(of: name)
    writer.write(type)
    writer.write(access.rawValue)
    return try await RemoteStatus.call(association, 50, "SamrCreateUser2InDomain", writer) {
      reader throws(ByteError) in
      let user = Object(handle: try ContextHandle(&reader))
      _ = try reader.read(UInt32.self)  // GrantedAccess
      return (user, try reader.read(UInt32.self))
    }.value
  }

  /// `SamrDeleteUser`, operation 35 (3.1.5.7.3).
  package func delete(_ user: Object) async throws {
    var writer = NDRWriter()
    user.handle.write(to: &writer)
    _ = try await RemoteStatus.call(association, 35, "SamrDeleteUser", writer) { _ throws(ByteError) in }
  }

  /// `SamrCloseHandle`, operation 1 (3.1.5.13.1).
  package func close(_ object: Object) async throws {
    var writer = NDRWriter()
    object.handle.write(to: &writer)
    _ = try await RemoteStatus.call(association, 1, "SamrCloseHandle", writer) { _ throws(ByteError) in }
  }

  private func open(_ operation: UInt16, _ name: String, _ writer: NDRWriter) async throws -> Object {
    try await RemoteStatus.call(association, operation, name, writer) { reader throws(ByteError) in
      Object(handle: try ContextHandle(&reader))
    }.value
  }
}
