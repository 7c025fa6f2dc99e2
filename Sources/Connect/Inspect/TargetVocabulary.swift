// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// What targets of one kind have a place for, for those who look at a target's objects without its client.
package struct TargetVocabulary: Sendable {
  /// As in ``ExportTarget/vocabulary``.
  package var attributes: [ObjectKind: Set<String>]
  /// As in ``ExportTarget/optionalVocabulary``.
  package var optional: [ObjectKind: Set<String>]

  package init(_ attributes: [ObjectKind: Set<String>], optional: [ObjectKind: Set<String>] = [:]) {
    self.attributes = attributes
    self.optional = optional
  }

  package static let scim = TargetVocabulary(SCIMMapping.vocabulary, optional: SCIMMapping.optionalVocabulary)
  package static let syncAPI = TargetVocabulary(SyncAPIMapping.vocabulary)
}
