// SPDX-License-Identifier: Apache-2.0

import Glibc
import Wire

/// An executor with a thread of its own, so that an actor may block without holding up the cooperative pool.
///
/// `@unchecked Sendable` proof: `jobs` and `stopped` are touched under `mutex` only; `mutex` and `condition` are allocated
/// once, and freed in `deinit`, which runs after the thread has let go of its reference.
final class SerialThread: SerialExecutor, @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var jobs: [UnownedJob] = []
  private var stopped = false

  /// Nil when the system refuses another thread.
  init?() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    guard DetachedThread.start({ self.run() }) == nil else { return nil }
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    pthread_mutex_lock(mutex)
    jobs.append(job)
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Ends the thread once its queue is empty. Called when the actor is gone, so that no further job can come.
  func stop() {
    pthread_mutex_lock(mutex)
    stopped = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  private func run() {
    while true {
      pthread_mutex_lock(mutex)
      while jobs.isEmpty && !stopped { pthread_cond_wait(condition, mutex) }
      let batch = jobs
      jobs.removeAll()
      pthread_mutex_unlock(mutex)
      if batch.isEmpty { return }
      for job in batch { job.runSynchronously(on: asUnownedSerialExecutor()) }
    }
  }
}
