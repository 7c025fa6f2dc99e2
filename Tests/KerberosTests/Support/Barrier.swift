// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Lets threads go on once all of them have arrived.
///
/// `@unchecked Sendable` proof: the count is touched under the mutex only.
final class Barrier: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var missing: Int

  init(_ count: Int) {
    missing = count
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    mutex.deallocate()
    condition.deallocate()
  }

  /// - Returns: true; false when the others have not come within a minute.
  func wait() -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    missing -= 1
    pthread_cond_broadcast(condition)
    var limit = timespec()
    clock_gettime(CLOCK_REALTIME, &limit)
    limit.tv_sec += 60
    while missing > 0 {
      if pthread_cond_timedwait(condition, mutex, &limit) == ETIMEDOUT { return false }
    }
    return true
  }
}
