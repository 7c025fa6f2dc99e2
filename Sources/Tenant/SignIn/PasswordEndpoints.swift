// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Logging
import PasswordWriteback
import WebIdentity
import WebPages
import Wire

/// Where people change their passwords. The directory accepts a new one before the tenant does; its refusals come back in
/// words.
extension SignInService {
  /// `/password`: for whoever wants to, signed in or not; the present password is asked for in any case.
  func changePassword(_ call: SignInCall) async throws -> TenantAnswer {
    guard try await desk.isOpen() else { return pages(call).mustChange() }
    guard call.method == "POST" else {
      return changePage(call, at: .password, name: try await session(call)?.userName ?? "", isForced: false)
    }
    return try await change(call) { session, note in pages(call).passwordChanged(note) }
  }

  /// The page after a right password that cannot be used any more.
  func forcedChange(
    _ call: SignInCall, at place: SignInPlace, name: String, formTargets: [String]
  ) async throws -> TenantAnswer {
    guard try await desk.isOpen() else { return pages(call).mustChange() }
    return changePage(call, at: place, name: name, isForced: true, formTargets: formTargets)
  }

  private func changePage(
    _ call: SignInCall, at place: SignInPlace, name: String, isForced: Bool, error: ErrorSummary? = nil,
    formTargets: [String] = []
  ) -> TenantAnswer {
    pages(call).changePassword(
      form(call, to: place, query: call.queryText), name: name, isForced: isForced, error: error,
      formTargets: formTargets)
  }

  /// The form of a change, wherever it was sent from.
  ///
  /// - Parameter then: goes on with the new session and a sentence about the outcome.
  func change(
    _ call: SignInCall, formTargets: [String] = [], then: (Session, String) async throws -> TenantAnswer
  ) async throws -> TenantAnswer {
    let name = call.sent[SignInPages.nameField].map { String($0.prefix(256)) } ?? ""
    func again(_ error: ErrorSummary) -> TenantAnswer {
      changePage(
        call, at: call.place, name: name, isForced: call.place != .password, error: error, formTargets: formTargets)
    }
    guard call.isGenuine else { return again(SignInPages.staleChange) }
    guard try await desk.isOpen() else { return pages(call).mustChange() }
    let old = call.form[SignInPages.passwordField] ?? ""
    let new = call.form[SignInPages.newField] ?? ""
    if let error = Self.mistake(new, call) { return again(error) }
    guard new != old else { return again(SignInPages.unchanged) }
    // The password that the tenant knows first: nobody uses this page to guess at the directory's.
    let isAdmitted = guardian.admit(name, from: call.source, at: call.now)
    let verified = try await verifier.verify(name: name, password: old, isRefused: !isAdmitted)
    guard let verified, let user = try await directory.writebackUser(verified.sequence) else {
      logger.notice(
        "change of password refused",
        metadata: ["request": "\(call.request)", "source": "\(call.source)", "paused": "\(!isAdmitted)"])
      return again(SignInPages.wrongPresent)
    }
    guardian.succeed(name, from: call.source)
    let made = try await desk.request(
      .change, of: user, old: SecretBytes(Array(old.utf8)), new: SecretBytes(Array(new.utf8)),
      by: Actor(who: "user:\(user.id)", request: call.request))
    let outcome = try await desk.outcome(of: made, canAskAgain: true)
    switch outcome.status {
    case .done:
      let opened = try await directory.openSession(verified, source: call.source, agent: call.agent)
      return try await then(opened.session, outcome.sentence).with(cookie: SignInCookie.session.set(opened.secret))
    case .unknown: return askAgainLater(call, try made.get(), outcome)
    case .refused, .forbidden, .failed:
      return again(
        ErrorSummary(
          outcome.sentence,
          field: outcome.reason == .wrongPassword ? SignInPages.passwordField : SignInPages.newField))
    }
  }

  /// `/password/reset`: with a link that an administrator made.
  func resetPassword(_ call: SignInCall) async throws -> TenantAnswer {
    let isPosted = call.method == "POST"
    let link = String(((isPosted ? call.sent : call.query)[SignInPages.linkField] ?? "").prefix(128))
    guard try await desk.isOpen() else { return pages(call).mustChange() }
    guard guardian.isOpen(source: call.source, at: call.now), let user = try await directory.passwordLink(link) else {
      guardian.fail(source: call.source, at: call.now)
      return pages(call).failure(
        status: 403, "This link does not hold any more",
        "It holds for an hour and for one new password. Ask your help desk for another.")
    }
    func page(_ error: ErrorSummary? = nil) -> TenantAnswer {
      pages(call).resetPassword(form(call, to: .passwordReset), name: user.userName, link: link, error: error)
    }
    guard isPosted else { return page() }
    guard call.isGenuine else {
      return page(
        ErrorSummary("The page was open for too long. Enter the passwords again.", field: SignInPages.newField))
    }
    let new = call.form[SignInPages.newField] ?? ""
    if let error = Self.mistake(new, call) { return page(error) }
    guard try await directory.claimPasswordLink(link) == user else { return page(SignInPages.staleChange) }
    let made = try await desk.request(
      .reset, of: user, new: SecretBytes(Array(new.utf8)), by: Actor(who: "link:\(user.id)", request: call.request))
    let outcome = try await desk.outcome(of: made, canAskAgain: true)
    switch outcome.status {
    case .done: return pages(call).passwordChanged(outcome.sentence)
    case .unknown: return askAgainLater(call, try made.get(), outcome)
    case .refused, .forbidden, .failed:
      try await directory.releasePasswordLink(link)
      return page(ErrorSummary(outcome.sentence, field: SignInPages.newField))
    }
  }

  // MARK: - Answers that are late

  /// The parameters of ``SignInPlace/passwordOutcome``: the request, and what ties the address to this browser.
  private static let requestField = "request"

  private func askAgainLater(_ call: SignInCall, _ request: String, _ outcome: WritebackOutcome) -> TenantAnswer {
    let form = formToken(call)
    let token = form.token.make(cookie: form.cookie, place: Self.place(of: request))
    // Both are made of letters, digits, dots, hyphens and underscores.
    let address =
      "\(call.path(.passwordOutcome))?\(Self.requestField)=\(request)&\(FormToken.field)=\(token)"
    return pages(call).passwordUnknown(outcome.sentence, again: address)
      .with(cookie: SignInCookie.form.set(form.cookie))
  }

  private static func place(of request: String) -> String { "\(SignInPlace.passwordOutcome.rawValue)#\(request)" }

  /// `/password/outcome`: for the browser that made the request, as long as a form holds.
  func passwordOutcome(_ call: SignInCall) async throws -> TenantAnswer {
    let request = call.query[Self.requestField] ?? ""
    let form = formToken(call)
    guard
      form.token.isValid(
        call.query[FormToken.field], cookie: SignInCookie.form.value(in: call.cookies), place: Self.place(of: request))
    else {
      return pages(call).failure(
        status: 403, "This page does not hold any more",
        "Sign in with the new password; if that does not work, the old one still holds.")
    }
    let outcome = try await directory.writebackOutcome(request) ?? WritebackOutcome(.unknown)
    switch outcome.status {
    case .unknown: return askAgainLater(call, request, outcome)
    case .done: return pages(call).passwordChanged(outcome.sentence)
    case .refused, .forbidden, .failed:
      return pages(call).failure(status: 200, "Your password was not changed", outcome.sentence)
    }
  }

  /// What is wrong with a new password without asking anybody.
  private static func mistake(_ new: String, _ call: SignInCall) -> ErrorSummary? {
    guard !new.isEmpty else { return SignInPages.missing }
    return new == call.form[SignInPages.repeatedField] ? nil : SignInPages.differing
  }
}
