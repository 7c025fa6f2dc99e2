// SPDX-License-Identifier: Apache-2.0

package import LDAP
package import RPC

/// What has to be closed, whatever becomes of its use.
package protocol ClosableLink: Sendable {
  func close() async
}

extension ClosableLink {
  /// Closes it after its use.
  func closing<R>(after use: () async throws -> R) async throws -> R {
    do {
      let result = try await use()
      await close()
      return result
    } catch {
      await close()
      throw error
    }
  }
}

extension LDAPConnection: ClosableLink {}
extension RPCAssociation: ClosableLink {}
extension DomainAccounts: ClosableLink {}
