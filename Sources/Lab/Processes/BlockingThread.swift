// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Runs blocking calls on a thread of their own, so that neither an event loop nor the cooperative pool waits for them.
enum BlockingThread {
  private final class Job {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  static func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
      let job = Job { continuation.resume(with: Result { try body() }) }
      var thread = pthread_t()
      var attributes = pthread_attr_t()
      pthread_attr_init(&attributes)
      pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
      let retained = Unmanaged.passRetained(job)
      let status = pthread_create(
        &thread, &attributes,
        { argument in
          if let argument { Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().body() }
          return nil
        }, retained.toOpaque())
      pthread_attr_destroy(&attributes)
      if status != 0 {
        retained.release()
        continuation.resume(
          throwing: LabError(
            .commandFailed, "No thread could be started (\(String(cString: strerror(status)))).",
            remedy: "Raise the limit on processes (ulimit -u)."))
      }
    }
  }
}
