// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials

/// A domain that the tenant knows. Users may sign in with names of verified domains only.
package struct TenantDomain: Sendable, Hashable {
  /// In lower case.
  package let name: String
  /// The tenant's own domain, verified from the start, to which names of unverified domains are mapped.
  package let isInitial: Bool
  /// The text that a TXT record at the domain must have, to prove who owns it.
  package let proof: String
  package let added: Date
  /// Nil until the domain is verified.
  package let verified: Date?
}

/// How it is known that a domain belongs to the tenant's owner.
package enum DomainProof: Sendable, Hashable {
  /// The texts of the TXT records that were found at the domain.
  case records([String])
  /// The administrator of this machine vouches for it.
  case administrator
}
