// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials

/// What is known about one certificate's revocation: a verdict as data.
package enum RevocationStatus: Sendable, Hashable {
  /// Listed by no list that covers it. `until` is the earliest `nextUpdate` of the lists that were consulted; `grace` is
  /// the reason for which a list past that time was still used.
  case good(until: Date, grace: TrustError?)
  case revoked(Revocation)
  /// Not checked: revocation is off.
  case unchecked
  /// No answer: the reason why.
  case undetermined(TrustError)
}
