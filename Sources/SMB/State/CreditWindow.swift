// SPDX-License-Identifier: Apache-2.0

/// Message identifiers and the credits that allow their use (MS-SMB2 3.2.4.1.2, 3.2.4.1.6, 3.2.5.1.4). Every request costs
/// one credit.
struct CreditWindow {
  private(set) var available = 1
  private var nextMessageID: UInt64 = 0

  /// The next message identifier, nil without a credit. Identifiers are never used twice.
  mutating func take() -> UInt64? {
    guard available > 0, nextMessageID < UInt64.max - 1 else { return nil }
    available -= 1
    defer { nextMessageID += 1 }
    return nextMessageID
  }

  mutating func grant(_ credits: UInt16) {
    available = min(available + Int(credits), SMBLimits.credits)
  }

  /// What a request asks for: enough to fill the window, one at least.
  func wanted(outstanding: Int) -> UInt16 {
    UInt16(clamping: max(1, SMBLimits.credits - available - outstanding))
  }
}
