// SPDX-License-Identifier: Apache-2.0

package import DirectoryLocator
package import IdentityModel
package import LDAP
package import Logging
import Wire

/// Active Directory as a source: DirSync where the account may use it (MS-ADTS 3.1.1.3.4.1.3), otherwise paged reads by
/// `uSNChanged` (MS-ADTS 3.1.1.1.9).
///
/// A partition is a domain by its DNS name. A domain controller that dies in the middle is avoided from then on, and the
/// reading begins anew on the next one.
package struct LDAPSource: ImportSource {
  package let name: String
  private let domains: [String]
  private let locator: DirectoryLocator
  private let connect: @Sendable (DomainController) async throws -> LDAPConnection
  private let logger: Logger
  private let selection: ImportSelection
  private let connections: Int
  private let sessions = SessionPool()

  /// What is read of a domain, and which objects: for measurements that ask the same by other means.
  package static let attributes = ImportSelection.plain.attributes + LDAPSession.structuralAttributes
  package static let filter = ImportSelection.plain.filter

  /// Controllers that are tried before a domain counts as unreachable.
  static let maximumControllers = 8

  /// Connections of a full reading: a second one keeps a second core of the domain controller at work.
  package static let defaultConnections = 2

  /// - Parameters:
  ///   - selection: what is read.
  ///   - connections: how many a full reading uses.
  ///   - connect: signs in to a domain controller.
  package init(
    name: String, domains: [String], locator: DirectoryLocator, logger: Logger,
    selection: ImportSelection = .plain, connections: Int = defaultConnections,
    connect: @escaping @Sendable (DomainController) async throws -> LDAPConnection
  ) {
    self.name = name
    self.domains = domains
    self.locator = locator
    self.connect = connect
    self.logger = logger
    self.selection = selection
    self.connections = max(1, connections)
  }

  package var fingerprint: String { selection.fingerprint }

  package func partitions() async throws -> [String] { domains }

  package func read(_ partition: String, since watermark: Watermark?) async throws -> ImportReading {
    // A full reading begins with a look at everything: the forest's attributes and our rights may have changed.
    let kept = watermark == nil ? nil : await sessions.take(partition)
    let session: LDAPSession
    if let kept { session = kept } else { session = try await open(partition, preferring: watermark?.server) }
    do {
      return try await session.read(since: watermark)
    } catch {
      await session.connection.close()
      throw await interruption(error, session.controller)
    }
  }

  package func referrers(to anchors: [Anchor], in partition: String) async throws -> [Change] {
    let session = try await open(partition, preferring: nil)
    do {
      return try await session.connection.use { connection in
        try await LDAPRereading(session).referrers(to: anchors, connection)
      }
    } catch {
      throw await interruption(error, session.controller)
    }
  }

  /// Connects to the controller that was read last, where it is alive: another one may answer its cookie with everything.
  /// Otherwise to the nearest. One that answers pings but takes no connection is passed over.
  private func open(_ domain: String, preferring server: String?) async throws -> LDAPSession {
    let controllers = try await locator.controllers(of: domain)
    var controller = controllers.first { $0.hostName == server } ?? controllers[0]
    for _ in 1..<Self.maximumControllers {
      do {
        return try await session(controller, domain)
      } catch let error as LDAPError where error.isTransient {
        logger.warning(
          "domain controller passed over",
          metadata: ["dc": "\(controller.hostName)", "cause": "\(error.identifier)"])
        do {
          controller = try await locator.controller(after: controller)
        } catch is LocatorError {
          // Nobody is left: the reason that the last one gave says more than that.
          throw error
        }
      }
    }
    return try await session(controller, domain)
  }

  private func session(_ controller: DomainController, _ domain: String) async throws -> LDAPSession {
    let connection = try await connect(controller)
    do {
      return try await LDAPSession(
        connection: connection, controller: controller, domain: domain, logger: logger,
        selection: selection, connections: connections,
        another: { [connect] in try await connect(controller) },
        lost: { [locator] error in await Self.interruption(error, controller, locator) },
        release: { [sessions] session in await sessions.keep(session, for: domain) })
    } catch {
      await connection.close()
      throw error
    }
  }

  private func interruption(_ error: any Error, _ controller: DomainController) async -> any Error {
    await Self.interruption(error, controller, locator)
  }

  /// An error that another controller may not have becomes an interruption, and this one is avoided.
  private static func interruption(
    _ error: any Error, _ controller: DomainController, _ locator: DirectoryLocator
  ) async -> any Error {
    guard let error = error as? LDAPError, error.isTransient || error.code == .incomplete else { return error }
    await locator.exclude(controller)
    return ImportInterruption(reason: error.message)
  }
}

/// Sessions between two readings, so that a reading of nothing costs a question and an answer.
private actor SessionPool {
  private var sessions: [String: LDAPSession] = [:]

  /// The domain's session, when its connection is alive.
  func take(_ domain: String) async -> LDAPSession? {
    guard let session = sessions.removeValue(forKey: domain) else { return nil }
    if let renewed = try? await session.renewed() { return renewed }
    await session.connection.close()
    return nil
  }

  func keep(_ session: LDAPSession, for domain: String) async {
    await sessions.updateValue(session, forKey: domain)?.connection.close()
  }
}
