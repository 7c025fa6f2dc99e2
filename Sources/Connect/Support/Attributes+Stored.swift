// SPDX-License-Identifier: Apache-2.0

import IdentityModel

extension Attributes {
  /// Attributes from a row of the store.
  init(stored bytes: [UInt8]) throws {
    do { self = try Attributes(decoding: bytes) } catch { throw ConnectError.corrupt("attributes") }
  }
}
