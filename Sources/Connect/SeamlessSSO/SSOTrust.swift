// SPDX-License-Identifier: Apache-2.0

import LDAP
import Wire

/// A forest that this one trusts: its people get tickets here (MS-ADTS 6.1.6.7, a trustedDomain object).
struct SSOTrust: Sendable, Hashable {
  /// The other forest's DNS name.
  let forest: String
  /// Of its root domain.
  let identifier: SecurityIdentifier

  static let attributes = ["trustPartner", "trustDirection", "trustAttributes", "securityIdentifier"]
  /// MS-ADTS 6.1.6.7.12: this forest trusts the other.
  private static let outbound: Int64 = 2
  /// MS-ADTS 6.1.6.7.9, TRUST_ATTRIBUTE_FOREST_TRANSITIVE: one between forests.
  private static let forestTransitive: Int64 = 8

  /// Nil for trusts of other kinds, and for those that let nobody in.
  init?(_ entry: SearchEntry) {
    guard let partner = entry.string("trustPartner"), let identifier = entry.sid("securityIdentifier"),
      (entry.integer("trustDirection") ?? 0) & Self.outbound != 0,
      (entry.integer("trustAttributes") ?? 0) & Self.forestTransitive != 0
    else { return nil }
    forest = partner.lowercased()
    self.identifier = identifier
  }
}

extension SeamlessSSO {
  /// The root domains of trusted forests that the key is to speak for: those that are asked for, and those that the present
  /// key speaks for and that are trusted still.
  ///
  /// - Parameter own: the forest's own domains.
  /// - Throws: ``SSOError`` `noTrust`.
  func trusts(_ state: SSOTenantState, own: [SecurityIdentifier]) async throws -> [SSOTrust] {
    let present = state.keys.first { isOfForest($0) && $0.activated != nil && $0.retires == nil }
    let names = own.map(\.description)
    let held = (present?.domains ?? []).filter { !names.contains($0) }
    let wanted = options.trustedForests.map { $0.lowercased() }
    guard !wanted.isEmpty || !held.isEmpty else { return [] }
    let trusts = try await directory.forestTrusts()
    if let unknown = wanted.first(where: { name in !trusts.contains { $0.forest == name } }) {
      throw SSOError(
        .noTrust, "\(directory.forest) has no forest trust by which people of \(unknown) get tickets here.",
        remedy: "Name the root domain of a trusted forest; 'bridgehead connect forest check' lists the trusts.")
    }
    return trusts.filter { wanted.contains($0.forest) || held.contains($0.identifier.description) }
  }
}
