// SPDX-License-Identifier: Apache-2.0

import Glibc
import Wire

/// Runs blocking calls on a thread of their own, so that neither an event loop nor the cooperative pool waits for them.
enum BlockingThread {
  static func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
      guard let status = DetachedThread.start({ continuation.resume(with: Result { try body() }) }) else { return }
      continuation.resume(
        throwing: LabError(
          .commandFailed, "No thread could be started (\(String(cString: strerror(status)))).",
          remedy: "Raise the limit on processes (ulimit -u)."))
    }
  }
}
