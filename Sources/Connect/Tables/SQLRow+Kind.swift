// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

extension SQLRow {
  /// The column counted from 0, as a kind of object.
  ///
  /// - Throws: ``ConnectError`` with the code `corrupt` when it holds no kind that this version knows.
  func kind(_ index: Int) throws -> ObjectKind {
    let name: String = try self[index]
    guard let kind = ObjectKind(rawValue: name) else {
      throw ConnectError.corrupt("an object of the unknown kind \(name)")
    }
    return kind
  }
}
