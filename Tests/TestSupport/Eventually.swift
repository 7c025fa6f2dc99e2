// SPDX-License-Identifier: Apache-2.0

/// What a test waited for and did not see.
package struct NotInTime: Error, CustomStringConvertible {
  package let description: String
}

/// Waits until the condition holds.
///
/// - Parameters:
///   - limit: long: a busy machine is slow, and only a failure takes this time.
/// - Throws: ``NotInTime``, which names the place: a test that waits in vain fails instead of hanging; what the condition
///   throws; `CancellationError`.
package func eventually(
  within limit: Duration = .seconds(60), file: StaticString = #fileID, line: Int = #line,
  isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while try await !condition() {
    guard ContinuousClock.now < end else {
      throw NotInTime(description: "\(file):\(line): what was waited for did not come within \(limit)")
    }
    try await Task.sleep(for: .milliseconds(2))
  }
}
