// SPDX-License-Identifier: Apache-2.0

/// The cookies of the sign-in pages. The prefix `__Host-` makes browsers refuse them unless they are secure and belong to
/// this host alone (RFC 6265bis 4.1.3.2).
enum SignInCookie: String {
  /// Lax: an application's link must find the session.
  case session = "__Host-bridgehead-session"
  /// Strict: only this site's own forms need it.
  case form = "__Host-bridgehead-form"
  /// Lax: binds what the ticket host sends back to this browser.
  case autologon = "__Host-bridgehead-autologon"
  /// Lax: tickets have signed somebody in here, so that they are tried first.
  case tickets = "__Host-bridgehead-tickets"

  func set(_ value: String, seconds: Int? = nil) -> (name: String, value: String) {
    let site = self == .form ? "Strict" : "Lax"
    let age = seconds.map { "; Max-Age=\($0)" } ?? ""
    return ("set-cookie", "\(rawValue)=\(value); Path=/; Secure; HttpOnly; SameSite=\(site)\(age)")
  }

  var clear: (name: String, value: String) {
    ("set-cookie", "\(rawValue)=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
  }

  /// The value in a Cookie header. One that is there twice is nobody's.
  func value(in header: String?) -> String? {
    let values = (header ?? "").split(whereSeparator: { $0 == ";" || $0 == "," }).compactMap { pair -> String? in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0].drop(while: { $0 == " " }) == rawValue else { return nil }
      return String(parts[1])
    }
    return values.count == 1 ? values.first : nil
  }
}
