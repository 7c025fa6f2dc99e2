// SPDX-License-Identifier: Apache-2.0

/// The names of a forest's partitions.
package enum NamingContext {
  /// A domain's, which is named after it (MS-ADTS 3.1.1.1.5, RFC 2247 2): `DC=corp,DC=example` for `corp.example`.
  package static func ofDomain(_ name: String) -> String {
    name.split(separator: ".").map { "DC=\($0)" }.joined(separator: ",")
  }
}
