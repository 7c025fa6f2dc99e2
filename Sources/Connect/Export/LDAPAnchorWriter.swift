// SPDX-License-Identifier: Apache-2.0

package import DirectoryLocator
import IdentityModel
package import LDAP
import Wire

/// Writes anchors to a domain by LDAP (RFC 4511 4.6).
package struct LDAPAnchorWriter: AnchorWriter {
  package let source: String
  private let locator: DirectoryLocator
  private let connect: @Sendable (DomainController) async throws -> LDAPConnection

  /// - Parameter connect: signs in to a domain controller.
  package init(
    source: String, locator: DirectoryLocator,
    connect: @escaping @Sendable (DomainController) async throws -> LDAPConnection
  ) {
    self.source = source
    self.locator = locator
    self.connect = connect
  }

  package func write(_ anchors: [AnchorWrite], in partition: String) async throws -> [String?] {
    let controllers = try await locator.controllers(of: partition)
    return try await connect(controllers[0]).use { connection in
      var outcomes: [String?] = []
      for write in anchors { outcomes.append(try await self.write(write, connection)) }
      return outcomes
    }
  }

  /// Adds, so that a value that came in the meantime is not overwritten: the attribute has one. Where it is the right one
  /// already, an earlier pass wrote it and did not live to note that.
  private func write(_ write: AnchorWrite, _ connection: LDAPConnection) async throws -> String? {
    guard let guid = GUID(write.entry.bytes) else { return "its objectGUID is malformed" }
    let name = "<GUID=\(guid)>"
    do {
      try await connection.modify(
        name, [Modification(.add, Attribute(SourceAnchor.attribute, [write.anchor[...]]))])
      return nil
    } catch let error as LDAPError where !error.isTransient {
      do {
        if try await connection.compare(name, attribute: SourceAnchor.attribute, value: write.anchor) { return nil }
      } catch let error as LDAPError where !error.isTransient {
        // Who may not compare is told why it could not write.
      }
      return error.message
    }
  }
}
