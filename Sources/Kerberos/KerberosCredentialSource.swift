// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Where the long-term key of the client principal comes from.
package enum KerberosCredentialSource: Sendable {
  /// The account's password, UTF-8, without a terminating zero.
  case password(SecretBytes)
  /// The path of an MIT keytab file. It is read anew for each initial ticket, so that a rotated file is picked up.
  case keytab(path: String)
}
