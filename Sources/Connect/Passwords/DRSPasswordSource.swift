// SPDX-License-Identifier: Apache-2.0

package import DirectoryLocator
package import LDAP
import Logging
package import RPC
import Wire

/// Password hashes by replication (MS-DRSR 4.1.10). Only `unicodePwd`, `pwdLastSet` and `userAccountControl` are asked for.
///
/// The account needs Replicating Directory Changes and Replicating Directory Changes All on each domain, nothing else; it
/// is another one than the import's.
package struct DRSPasswordSource: PasswordSource {
  package let name: String
  private let domains: [String]
  private let locator: DirectoryLocator
  private let directory: @Sendable (DomainController) async throws -> LDAPConnection
  private let connect: @Sendable (DomainController) async throws -> RPCAssociation

  /// - Parameters:
  ///   - directory: signs in to a controller as whoever imports: when a password expires is told by LDAP only.
  ///   - connect: makes a sealed association with ``RPCInterface/drsuapi`` of a controller.
  package init(
    name: String, domains: [String], locator: DirectoryLocator,
    directory: @escaping @Sendable (DomainController) async throws -> LDAPConnection,
    connect: @escaping @Sendable (DomainController) async throws -> RPCAssociation
  ) {
    self.name = name
    self.domains = domains
    self.locator = locator
    self.directory = directory
    self.connect = connect
  }

  package func partitions() async throws -> [String] { domains }

  package func open(_ partition: String, preferring server: String?) async throws -> any PasswordReading {
    let controllers = try await locator.controllers(of: partition)
    var controller = controllers.first { $0.hostName == server } ?? controllers[0]
    for _ in 1..<LDAPSource.maximumControllers {
      do {
        return try await reading(controller, partition)
      } catch let error as RPCError where error.isTransient {
        do {
          controller = try await locator.controller(after: controller)
        } catch is LocatorError {
          // Nobody is left: the reason that the last one gave says more than that.
          throw error
        }
      }
    }
    return try await reading(controller, partition)
  }

  private func reading(_ controller: DomainController, _ domain: String) async throws -> any PasswordReading {
    try await connect(controller).closingOnFailure { association in
      let client = try await DRSClient.bind(association)
      let context = NamingContext.ofDomain(domain)
      return DRSPasswordReading(
        server: controller.hostName, association: association, client: client, context: context,
        key: try await client.sessionKey(),
        policies: PasswordPolicyReader(context: context) { [directory] in try await directory(controller) })
    }
  }
}

/// One controller's replication handle.
struct DRSPasswordReading: PasswordReading {
  let server: String
  let association: RPCAssociation
  let client: DRSClient
  let context: String
  let key: SecretBytes
  let policies: PasswordPolicyReader

  private static let attributes: [AttributeType] = [.unicodePwd, .pwdLastSet, .userAccountControl]

  func page(from position: PasswordPosition) async throws -> PasswordPage {
    var request = ReplicationRequest(context: DSName(name: context), attributes: Self.attributes)
    (request.from, request.invocation, request.known) = (position.usn, position.invocation, position.known)
    let reply = try await client.changes(request)
    return PasswordPage(
      accounts: reply.objects.map(account), invocation: reply.invocation, next: reply.next, known: reply.known,
      hasMore: reply.hasMore)
  }

  func account(_ identifier: GUID, distinguishedName: String) async throws -> PasswordAccount? {
    var request = ReplicationRequest(
      context: DSName(name: distinguishedName, guid: identifier), attributes: Self.attributes)
    request.operation = .object
    do {
      return try await client.changes(request).objects.first { $0.name.guid == identifier }.map(account)
    } catch let error as RPCError where error.code == .refused && error.status != WindowsError.replicationAccessDenied {
      return nil
    }
  }

  private func account(_ object: ReplicatedObject) -> PasswordAccount {
    var account = PasswordAccount(identifier: object.name.guid, secret: nil, version: nil, lastSet: nil)
    if let payload = object.attributes[.unicodePwd]?.first, !payload.isEmpty,
      let relative = object.name.sid?.relativeIdentifier, let version = object.versions[.unicodePwd]
    {
      account.secret = { [key] in try ReplicatedSecret.ntHash(payload, account: relative, sessionKey: key) }
      account.version = Self.version(version)
    } else if let values = object.attributes[.unicodePwd], values.allSatisfy(\.isEmpty) {
      account.isCleared = true
      account.version = object.versions[.unicodePwd].map(Self.version)
    }
    if let value = object.attributes[.pwdLastSet]?.first {
      var reader = ByteReader(value)
      account.lastSet = (try? reader.readLittleEndian(Int64.self)).map(FileTime.init(ticks:))
    }
    return account
  }

  private static func version(_ version: ReplicatedObject.Version) -> PasswordAccount.Version {
    PasswordAccount.Version(
      // MS-DRSR 5.46 DSTIME: seconds since 1601.
      number: version.number, originated: version.changed.subtractingReportingOverflow(11_644_473_600).partialValue,
      invocation: version.origin)
  }

  func expiries(of identifiers: [GUID]) async throws -> [GUID: FileTime] {
    try await policies.expiries(of: identifiers)
  }

  func policy() async throws -> PasswordPolicy { try await policies.policy() }

  func close() async {
    await policies.close()
    try? await client.unbind()
    await association.close()
  }
}
