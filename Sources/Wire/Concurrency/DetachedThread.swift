// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A thread for work that blocks, so that it holds up neither an event loop nor the cooperative pool.
package enum DetachedThread {
  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Runs the body on a thread of its own. What the body holds is let go of when it returns.
  ///
  /// - Returns: nil; or the system's error number where it refuses another thread, and the body never runs.
  package static func start(_ body: @escaping @Sendable () -> Void) -> CInt? {
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(Body(body))
    let status = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, argument.toOpaque())
    guard status == 0 else {
      argument.release()
      return status
    }
    pthread_detach(thread)
    return nil
  }

  /// Waits for the body, which runs on a thread of its own; or here, where the system refuses another one: a machine that has
  /// no thread left is slow, not wrong.
  package static func run<Value: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let work: @Sendable () -> Result<Value, Failure> = {
      do throws(Failure) { return .success(try body()) } catch { return .failure(error) }
    }
    return try await withCheckedContinuation { continuation in
      let refusal = start { continuation.resume(returning: work()) }
      if refusal != nil { continuation.resume(returning: work()) }
    }.get()
  }
}
