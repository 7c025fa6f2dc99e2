// SPDX-License-Identifier: Apache-2.0

package import Foundation
import Synchronization

/// A clock that moves only when it is told to.
package final class TestClock: Sendable {
  private let moment: Mutex<Date>

  package init(_ now: Date = Date(timeIntervalSince1970: 1_800_000_000)) { moment = Mutex(now) }

  package var now: Date {
    get { moment.withLock { $0 } }
    set { moment.withLock { $0 = newValue } }
  }

  package func advance(by seconds: TimeInterval) { moment.withLock { $0 += seconds } }
}
