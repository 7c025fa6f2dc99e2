// SPDX-License-Identifier: Apache-2.0

import Crypto

/// Preauthentication integrity of SMB 3.1.1 (MS-SMB2 3.1.4.4.1, 3.2.5.2): SHA-512 over every message of NEGOTIATE and
/// SESSION_SETUP, except the last response. Keys derive from it, so that whoever altered one of them shares no key.
struct PreauthenticationHash: Hashable, Sendable {
  private(set) var value: [UInt8]

  /// - Parameter value: where it stands, for tests; a conversation begins with zeros.
  init(value: [UInt8] = [UInt8](repeating: 0, count: 64)) { self.value = value }

  mutating func update(_ message: [UInt8]) {
    value = Array(SHA512.hash(data: value + message))
  }
}
