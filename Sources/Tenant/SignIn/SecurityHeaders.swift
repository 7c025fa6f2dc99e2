// SPDX-License-Identifier: Apache-2.0

/// Header fields of every answer of the sign-in service.
enum SecurityHeaders {
  /// - Parameter formTargets: origins that a form of the page may lead to; browsers hold redirects after it against them too.
  static func policy(formTargets: [String] = [], script: Bool = false) -> (name: String, value: String) {
    let targets = (["'self'"] + formTargets).joined(separator: " ")
    let script = script ? " script-src 'self';" : ""
    return (
      "content-security-policy",
      "default-src 'none'; style-src 'self';\(script) form-action \(targets); base-uri 'none'; frame-ancestors 'none'"
    )
  }

  static func add(to answer: TenantAnswer) -> TenantAnswer {
    var answer = answer
    if !answer.headers.contains(where: { $0.name == "content-security-policy" }) { answer.headers.append(policy()) }
    answer.headers += [
      ("x-frame-options", "DENY"), ("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin"),
      ("cross-origin-resource-policy", "same-origin"), ("strict-transport-security", "max-age=31536000"),
      ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ]
    return answer
  }
}
