// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Which of two values of one attribute is the newer one, in Active Directory's own order (MS-DRSR 5.11
/// AttributeStamp): the version, then the time of the originating write, then the invocation id of its controller.
package struct ReplicatedVersion: Sendable, Hashable, Comparable {
  /// `dwVersion`.
  package let version: UInt32
  /// `timeChanged`, in milliseconds since 1970.
  package let originated: Int64
  /// `uuidDsaOriginating`.
  package let invocation: GUID

  package init(version: UInt32, originated: Int64, invocation: GUID) {
    self.version = version
    self.originated = originated
    self.invocation = invocation
  }

  package static func < (left: ReplicatedVersion, right: ReplicatedVersion) -> Bool {
    (left.version, left.originated, left.invocation) < (right.version, right.originated, right.invocation)
  }
}
