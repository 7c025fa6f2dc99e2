// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// Knows objects of a forest that no imported partition holds; for Active Directory its Global Catalog.
package protocol ReferenceResolver: Sendable {
  /// The source whose references it resolves.
  var source: String { get }

  /// Looks up objects, each once.
  ///
  /// - Parameter anchors: at most ``ReferenceResolution/anchorsPerRequest``.
  /// - Returns: those that are known; the rest does not exist in the forest, or may not be seen.
  /// - Throws: a `DiagnosableError` when nothing can be told of any of them.
  func resolve(_ anchors: [Anchor]) async throws -> [Change]
}
