// SPDX-License-Identifier: Apache-2.0

import Crypto
import WebIdentity
import Wire

/// A random text that stands for something in the store: a session, a code, a refresh token, a client's secret. The store
/// keeps its SHA-256 and finds the row by it; with 256 random bits there is nothing to guess, and no time tells anything.
struct OpaqueSecret {
  /// Lets people and scanners tell what they found.
  enum Kind: String {
    case session = "bhs_"
    case code = "bhc_"
    case refresh = "bhr_"
    case device = "bhd_"
    case client = "bha_"
    case ticket = "bhk_"
    case passwordLink = "bhl_"
  }

  static let randomBytes = 32

  let text: String
  var hash: [UInt8] { Self.hash(of: text) }

  init(_ kind: Kind, random: (Int) -> [UInt8]) { text = kind.rawValue + Base64URL.encode(random(Self.randomBytes)) }

  static func hash(of text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }
}
