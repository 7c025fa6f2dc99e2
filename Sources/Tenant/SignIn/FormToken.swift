// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import WebIdentity
import Wire

/// Ties a form to the browser that it was made for: the form holds an authentication code over a random cookie that no other
/// site can read or set (`__Host-`). Nothing is stored.
struct FormToken {
  static let field = "form_token"
  private static let cookieBytes = 32

  let key: SymmetricKey
  let now: Date

  /// The cookie's value; a new one when the browser has none.
  static func cookie(_ sent: String?, random: (Int) -> [UInt8]) -> String {
    if let sent, Base64URL.decode(sent)?.count == cookieBytes { return sent }
    return Base64URL.encode(random(cookieBytes))
  }

  /// - Parameter place: the path that the form is sent to; it serves no other.
  func make(cookie: String, place: String) -> String {
    let expires = Int(now.timeIntervalSince1970) + SignInLifetime.form
    return "\(expires).\(Base64URL.encode(code(cookie, place, expires)))"
  }

  func isValid(_ token: String?, cookie: String?, place: String) -> Bool {
    guard let token, let cookie, Base64URL.decode(cookie)?.count == Self.cookieBytes, token.utf8.count <= 128 else {
      return false
    }
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let expires = Int(parts[0]), Double(expires) > now.timeIntervalSince1970,
      let sent = Base64URL.decode(parts[1])
    else { return false }
    return HMAC<SHA256>.isValidAuthenticationCode(sent, authenticating: text(cookie, place, expires), using: key)
  }

  private func code(_ cookie: String, _ place: String, _ expires: Int) -> HMAC<SHA256>.MAC {
    HMAC<SHA256>.authenticationCode(for: text(cookie, place, expires), using: key)
  }

  private func text(_ cookie: String, _ place: String, _ expires: Int) -> [UInt8] {
    Array("\(cookie)\n\(expires)\n\(place)".utf8)
  }
}
