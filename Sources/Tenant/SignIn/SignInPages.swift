// SPDX-License-Identifier: Apache-2.0

import WebIdentity
import WebPages

/// The pages that people see. What they say is for them; nothing tells whether a user exists.
struct SignInPages {
  /// Whose pages they are: the tenant's initial domain.
  let site: String
  /// The path that everything is below.
  let root: String

  static let nameField = "username"
  static let passwordField = "password"
  static let userCodeField = "user_code"

  static var styleSheet: TenantAnswer { text(StyleSheet.text, "text/css; charset=utf-8") }
  /// Saves the person a click on a page whose only form is to be sent on.
  static var script: TenantAnswer { text("document.forms[0].submit();\n", "text/javascript; charset=utf-8") }

  /// What every page with a form needs.
  struct Form {
    /// Path and query that it is sent to.
    var action: String
    var token: String
    /// The cookie that belongs to the token.
    var cookie: String
    /// Further values that come back unchanged.
    var more: [(name: String, value: String)] = []
    var hidden: [(name: String, value: String)] { [(FormToken.field, token)] + more }
  }

  /// Where a person may go from the sign-in page; nil for what is not offered.
  struct Links {
    /// Signing in with a ticket.
    var tickets: String?
    /// Changing the password.
    var password: String?
  }

  /// - Parameter error: nil at first; it has status 403 otherwise, for password managers not to keep what was wrong.
  func signIn(
    _ form: Form, application: String?, name: String, links: Links, error: ErrorSummary? = nil,
    formTargets: [String] = []
  ) -> TenantAnswer {
    let isWrong = error != nil
    let purpose: HTML? = application.map { "<p>To continue to <strong>\($0)</strong>.</p>\n" }
    let fields = [
      TextField(
        id: Self.nameField, label: "User name", autocomplete: "username", value: name,
        hint: "Your whole name, for example anna@\(site)", isInvalid: isWrong, hasFocus: !isWrong && name.isEmpty),
      TextField(
        id: Self.passwordField, label: "Password", kind: .password, autocomplete: "current-password",
        isInvalid: isWrong, hasFocus: !isWrong && !name.isEmpty),
    ]
    let tickets: HTML? = links.tickets.map {
      "<p><a href=\"\($0)\">Sign in with the account of this computer</a>, without a password.</p>\n"
    }
    let password: HTML? = links.password.map {
      "<p><a href=\"\($0)\">Change your password</a>. If you forgot it, ask your help desk for a link.</p>\n"
    }
    let post = PostForm(
      action: form.action, hidden: form.hidden, fields: fields.map(\.html), buttons: [Button("Sign in")])
    return page(
      "Sign in", "\(purpose)\(post.html)\(tickets)\(password)", status: isWrong ? 403 : 200, error: error,
      formTargets: formTargets
    ).with(cookie: SignInCookie.form.set(form.cookie))
  }

  /// What a browser shows that has no ticket; it goes on by itself.
  func askForTicket(elsewhere: String) -> TenantAnswer {
    page(
      "Sign in with the account of this computer",
      "<p>This computer sent no ticket. <a href=\"\(elsewhere)\">Sign in with a password</a>.</p>\n", status: 401,
      next: elsewhere)
  }

  static let wrong = ErrorSummary(
    "Signing in did not work. Check the user name and the password. After several failures the next attempts do not work "
      + "for a while, even with the right password.", field: nameField)
  static let stale = ErrorSummary("The page was open for too long. Enter your password again.", field: passwordField)

  /// Without password writeback there is no way back to the directory that holds the password.
  func mustChange() -> TenantAnswer {
    page(
      "Your password must be changed",
      """
      <p>Your user name and password are right, but the password has expired or has to be changed before you can go on.</p>
      <p>It cannot be changed on this page: this directory has no password writeback, so it cannot hand a new password to
      your organisation’s own directory. Change the password on a computer of your organisation, or ask its help desk.
      Then sign in here again; the new password is known here shortly after.</p>

      """, status: 403)
  }

  func device(_ form: Form, code: String, error: ErrorSummary? = nil) -> TenantAnswer {
    let field = TextField(
      id: Self.userCodeField, label: "Code", value: code, hint: "The eight letters that the device shows",
      isInvalid: error != nil, hasFocus: error == nil)
    let post = PostForm(action: form.action, hidden: form.hidden, fields: [field.html], buttons: [Button("Continue")])
    return page("Connect a device", post.html, status: error == nil ? 200 : 400, error: error)
      .with(cookie: SignInCookie.form.set(form.cookie))
  }

  func confirmDevice(_ form: Form, code: UserCode, application: String, user: String) -> TenantAnswer {
    let post = PostForm(
      action: form.action, hidden: form.hidden + [(Self.userCodeField, code.text)],
      buttons: [
        Button("Allow", choice: ("decision", "allow")),
        Button("Do not allow", choice: ("decision", "deny"), isPrimary: false),
      ])
    return page(
      "Allow \(application) to sign in as you?",
      """
      <p>A device with the code <span class="code">\(code.shown)</span> asks to sign in as <strong>\(user)</strong>.</p>
      <p>Allow it only if you are looking at the device, it shows this code, and you started this yourself. If somebody sent
      you the code, do not allow it.</p>
      \(post.html)
      """
    ).with(cookie: SignInCookie.form.set(form.cookie))
  }

  func deviceDone(isAllowed: Bool) -> TenantAnswer {
    page(
      isAllowed ? "The device is signed in" : "The device was refused",
      "<p>You can close this page and go back to the device.</p>")
  }

  func confirmSignOut(
    _ form: Form, hidden: [(name: String, value: String)], user: String, formTargets: [String]
  ) -> TenantAnswer {
    let post = PostForm(
      action: form.action, hidden: form.hidden + hidden, buttons: [Button("Sign out", choice: ("confirm", "yes"))])
    return page(
      "Sign out?", "<p>You are signed in as <strong>\(user)</strong>.</p>\n\(post.html)", formTargets: formTargets
    ).with(cookie: SignInCookie.form.set(form.cookie))
  }

  func signedOut() -> TenantAnswer { page("You are signed out", "<p>You can close this page.</p>") }

  /// OAuth 2.0 Form Post Response Mode: the answer travels in a form to the application.
  func formPost(_ parameters: [(name: String, value: String)], to redirect: RedirectURI) -> TenantAnswer {
    let post = PostForm(action: redirect.text, hidden: parameters, buttons: [Button("Continue")])
    return page(
      "Back to the application", "<p>If nothing happens, press the button.</p>\n\(post.html)",
      formTargets: [redirect.origin], script: true)
  }

  /// A request of an application that cannot be answered to it.
  func badRequest(_ error: OAuthError) -> TenantAnswer {
    failure(
      status: 400, "The application made a mistake",
      "Go back to it and start again. For its developer: \(error.code.rawValue). \(error.message)")
  }

  func failure(status: Int, _ title: String, _ text: String) -> TenantAnswer {
    page(title, "<p>\(text)</p>", status: status)
  }

  func page(
    _ title: String, _ body: HTML, status: Int = 200, error: ErrorSummary? = nil, formTargets: [String] = [],
    script: Bool = false, next: String? = nil, nextDelay: Int = 0
  ) -> TenantAnswer {
    let page = Page(
      title: title, site: site, styleSheet: root + SignInPlace.styleSheet.rawValue,
      script: script ? root + SignInPlace.script.rawValue : nil, error: error, next: next,
      nextDelay: nextDelay, body: body)
    var answer = Self.text(page.html.text, "text/html; charset=utf-8")
    answer.status = status
    answer.headers.append(SecurityHeaders.policy(formTargets: formTargets, script: script))
    return answer
  }

  private static func text(_ text: String, _ type: String) -> TenantAnswer {
    var answer = TenantAnswer(status: 200)
    answer.headers = [("content-type", type)]
    answer.body = Array(text.utf8)
    return answer
  }
}

extension TenantAnswer {
  func with(cookie: (name: String, value: String)) -> TenantAnswer { with(cookie.name, cookie.value) }

  /// 303: the browser goes on with GET, whatever it sent (RFC 9110 15.4.4).
  static func redirect(to location: String) -> TenantAnswer { TenantAnswer(status: 303).with("location", location) }
}
