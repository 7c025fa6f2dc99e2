// SPDX-License-Identifier: Apache-2.0

import Crypto

enum SHA256Text {
  static func hash(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }
}
