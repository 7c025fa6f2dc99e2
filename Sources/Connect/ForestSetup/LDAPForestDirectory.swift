// SPDX-License-Identifier: Apache-2.0

package import LDAP
package import Wire

/// A signed-in account's view of a domain, over LDAP.
package struct LDAPForestDirectory: ForestDirectory {
  private let connection: LDAPConnection

  package init(_ connection: LDAPConnection) { self.connection = connection }

  /// LDAP_SERVER_SD_FLAGS_OID (MS-ADTS 3.1.1.3.4.1.11) with DACL_SECURITY_INFORMATION, `SDFlagsRequestValue ::= SEQUENCE
  /// { Flags INTEGER }`: without it the auditing list is asked for, too, which needs a privilege.
  static let accessListOnly = Control(
    ControlType(rawValue: "1.2.840.113556.1.4.801"), isCritical: true, value: [0x30, 0x03, 0x02, 0x01, 0x04])
  private static let showDeleted = Control(.showDeleted, isCritical: true)

  /// Groups of an account, and domains of a forest, beyond this are an attack: tokens hold 1015 at most (MS-KILE).
  private static let maximumIdentifiers = 10_000

  package func facts() async throws -> ForestDomainFacts {
    let root = try await connection.rootDSE()
    guard let base = root.defaultNamingContext else {
      throw ConnectError(
        .directoryUnreachable, "\(connection.server) does not say which domain it holds.",
        remedy: "Check that it is a domain controller.")
    }
    let identifier = try await connection.entry(base, attributes: ["objectSid"])?.sid("objectSid")
    var domains: [String] = []
    if let configuration = root.configurationNamingContext {
      // MS-ADTS 6.1.1.2.1.1: FLAG_CR_NTDS_DOMAIN (2) marks domains.
      let filter = try Filter("(&(objectClass=crossRef)(systemFlags:1.2.840.113556.1.4.803:=2))")
      let found = connection.search(
        base: "CN=Partitions,\(configuration)", scope: .oneLevel, filter: filter, attributes: ["dnsRoot"])
      for try await entry in found {
        if let name = entry.string("dnsRoot"), domains.count < Self.maximumIdentifiers { domains.append(name) }
      }
    }
    return ForestDomainFacts(
      base: base, identifier: identifier, isSamba: root.isSamba, domains: domains)
  }

  package func token() async throws -> Set<SecurityIdentifier> {
    let values = try await connection.entry("", attributes: ["tokenGroups"])?["tokenGroups"]?.values ?? []
    let identifiers = values.prefix(Self.maximumIdentifiers).compactMap { try? SecurityIdentifier($0) }
    guard !identifiers.isEmpty else {
      throw ConnectError(
        .directoryUnreachable, "\(connection.server) does not tell which groups the account is in.",
        remedy: "Use a domain controller of Windows Server 2008 or later, or Samba.")
    }
    return Set(identifiers)
  }

  package func account(_ principal: String, in token: Set<SecurityIdentifier>) async throws -> ForestAccount? {
    let root = try await connection.rootDSE()
    guard let base = root.defaultNamingContext, let configuration = root.configurationNamingContext else { return nil }
    let name = principal.lastIndex(of: "@").map { String(principal[..<$0]) } ?? principal
    let filter = Filter.or([.equal("sAMAccountName", name), .equal("userPrincipalName", principal)])
    for try await entry in connection.search(base: base, filter: filter, attributes: ["sAMAccountName", "objectSid"]) {
      guard let identifier = entry.sid("objectSid"), token.contains(identifier),
        let account = entry.string("sAMAccountName")
      else { continue }
      let domains = connection.search(
        base: "CN=Partitions,\(configuration)", scope: .oneLevel, filter: .equal("nCName", base),
        attributes: ["nETBIOSName"])
      for try await domain in domains {
        if let short = domain.string("nETBIOSName") {
          return ForestAccount(domain: short, name: account, identifier: identifier)
        }
      }
    }
    return nil
  }

  package func descriptor(of object: String) async throws -> SecurityDescriptor? {
    let entry = try await connection.entry(
      object, attributes: ["nTSecurityDescriptor"], controls: [Self.accessListOnly, Self.showDeleted])
    return try entry.flatMap { try descriptor($0) }
  }

  package func users(below unit: String, atMost limit: Int) async throws -> [ForestObject] {
    let filter = try Filter("(&(objectCategory=person)(objectClass=user)(!(adminCount=1)))")
    let found = connection.search(
      base: unit, filter: filter, attributes: ["nTSecurityDescriptor"], pageSize: Int32(clamping: limit),
      controls: [Self.accessListOnly])
    var users: [ForestObject] = []
    do {
      for try await entry in found {
        users.append(ForestObject(name: entry.dn, descriptor: try descriptor(entry)))
        if users.count >= limit { break }
      }
    } catch let error as LDAPError where error.code == .noSuchObject {
      return []
    }
    return users
  }

  package func properties(_ names: [String]) async throws -> [String: ForestProperty] {
    guard !names.isEmpty, let base = try await connection.rootDSE().schemaNamingContext else { return [:] }
    let filter = Filter.and([
      .equal("objectClass", "attributeSchema"), .or(names.map { .equal("lDAPDisplayName", $0) }),
    ])
    var result: [String: ForestProperty] = [:]
    let found = connection.search(
      base: base, scope: .oneLevel, filter: filter,
      attributes: ["lDAPDisplayName", "schemaIDGUID", "attributeSecurityGUID"])
    for try await entry in found {
      guard let name = entry.string("lDAPDisplayName"), let identifier = entry.guid("schemaIDGUID") else { continue }
      result[name.lowercased()] = ForestProperty(identifier: identifier, set: entry.guid("attributeSecurityGUID"))
    }
    return result
  }

  package func isReadable(_ container: String) async throws -> Bool {
    // A container that only its parent lists comes without its properties.
    try await connection.entry(container, attributes: ["objectClass"], controls: [Self.showDeleted])?["objectClass"]
      != nil
  }

  package func close() async { await connection.close() }

  func descriptor(_ entry: SearchEntry) throws -> SecurityDescriptor? {
    guard let bytes = entry.bytes("nTSecurityDescriptor") else { return nil }
    do {
      return try SecurityDescriptor(bytes)
    } catch {
      throw ConnectError(
        .directoryUnreachable, "The access list of \(entry.dn) cannot be read: \(error).",
        remedy: "Report this with the server's version.")
    }
  }
}
