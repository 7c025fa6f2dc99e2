// SPDX-License-Identifier: Apache-2.0

import WebPages

/// The pages of password writeback.
extension SignInPages {
  static let newField = "new_password"
  static let repeatedField = "repeated_password"
  static let linkField = "token"

  /// - Parameter isForced: the person cannot go on without.
  func changePassword(
    _ form: Form, name: String, isForced: Bool, error: ErrorSummary? = nil, formTargets: [String] = []
  ) -> TenantAnswer {
    let why: HTML? =
      isForced
      ? "<p>Your password has expired or has to be changed before you can go on.</p>\n" : nil
    let fields = [
      TextField(
        id: Self.nameField, label: "User name", autocomplete: "username", value: name,
        isInvalid: error?.field == Self.nameField, hasFocus: error == nil && name.isEmpty),
      TextField(
        id: Self.passwordField, label: "Present password", kind: .password, autocomplete: "current-password",
        isInvalid: error?.field == Self.passwordField, hasFocus: error == nil && !name.isEmpty),
    ]
    return newPassword(
      "Change your password", why, form, fields + newFields(error), error, status: isForced ? 403 : 200, formTargets)
  }

  func resetPassword(_ form: Form, name: String, link: String, error: ErrorSummary? = nil) -> TenantAnswer {
    var form = form
    form.more = [(Self.linkField, link), (Self.nameField, name)]
    return newPassword(
      "Choose a new password", "<p>For <strong>\(name)</strong>.</p>\n", form, newFields(error), error)
  }

  private func newFields(_ error: ErrorSummary?) -> [TextField] {
    [
      TextField(
        id: Self.newField, label: "New password", kind: .password, autocomplete: "new-password",
        hint: "Your organisation’s own rules decide; they are told when the password does not follow them.",
        isInvalid: error?.field == Self.newField),
      TextField(
        id: Self.repeatedField, label: "New password again", kind: .password, autocomplete: "new-password",
        isInvalid: error?.field == Self.repeatedField),
    ]
  }

  private func newPassword(
    _ title: String, _ introduction: HTML?, _ form: Form, _ fields: [TextField], _ error: ErrorSummary?,
    status: Int = 200, _ formTargets: [String] = []
  ) -> TenantAnswer {
    let post = PostForm(
      action: form.action, hidden: form.hidden, fields: fields.map(\.html), buttons: [Button("Change the password")])
    return page(
      title, "\(introduction)\(post.html)", status: error == nil ? status : 403, error: error, formTargets: formTargets
    ).with(cookie: SignInCookie.form.set(form.cookie))
  }

  func passwordChanged(_ note: String) -> TenantAnswer {
    page(
      "Your password was changed",
      "<p>\(note) The new password holds from now on, here and on the computers of your organisation.</p>")
  }

  /// - Parameter address: of the page that tells what became of it.
  func passwordUnknown(_ note: String, again address: String) -> TenantAnswer {
    page(
      "The answer is still to come",
      """
      <p>\(note)</p>
      <p>This page asks again every \(String(Self.secondsBetweenLooks)) seconds. <a href="\(address)">Ask now</a>.</p>

      """, status: 202, next: address, nextDelay: Self.secondsBetweenLooks)
  }

  private static let secondsBetweenLooks = 5

  static let differing = ErrorSummary("The two new passwords are not the same.", field: repeatedField)
  static let unchanged = ErrorSummary("The new password is the present one. Choose another.", field: newField)
  static let missing = ErrorSummary("Enter a new password.", field: newField)
  static let wrongPresent = ErrorSummary(
    "Check the user name and the present password. After several failures the next attempts do not work for a while, even "
      + "with the right password.", field: passwordField)
  static let staleChange = ErrorSummary(
    "The page was open for too long. Enter the passwords again.", field: passwordField)
}
