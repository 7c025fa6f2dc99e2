// SPDX-License-Identifier: Apache-2.0

/// Something that a peer or the system keeps open for us until it is closed.
package protocol Closable: Sendable {
  func close() async
}

extension Closable {
  /// Lets the body use it, and closes it when the body has ended, whichever way.
  package func use<R>(
    isolation: isolated (any Actor)? = #isolation, _ body: (Self) async throws -> R
  ) async rethrows -> R {
    do {
      let result = try await body(self)
      await close()
      return result
    } catch {
      await close()
      throw error
    }
  }

  /// Closes it unless the body succeeds: what the body makes goes on with it.
  package func closingOnFailure<R>(
    isolation: isolated (any Actor)? = #isolation, _ body: (Self) async throws -> R
  ) async rethrows -> R {
    do { return try await body(self) } catch {
      await close()
      throw error
    }
  }
}
