// SPDX-License-Identifier: Apache-2.0

/// What became of a request.
package struct WritebackOutcome: Sendable, Hashable {
  package enum Status: String, Sendable, CaseIterable {
    /// The directory has accepted it.
    case done
    /// The directory's policy, or the wrong old password: the person can do something about it.
    case refused
    /// Connect does not do this, whatever the password.
    case forbidden
    /// Nothing was changed, for a reason that the person cannot help.
    case failed
    /// It may have been done, and nobody knows yet.
    case unknown
  }

  /// Why not, in a word; each has a sentence for the person.
  package enum Reason: String, Sendable, CaseIterable {
    // refused
    case tooShort, inHistory, tooYoung, notComplex, policy, wrongPassword, notAllowedCharacters
    // forbidden
    case notSynchronised, outsideUnits, protectedAccount, tooOften, expired, replayed, undecipherable, disabled
    // failed
    case unreachable, missingRight, accountRestricted, interrupted, unresolved, unsupported, refusedByDirectory
    // done
    case historyNotEnforced, wasNotLocked
  }

  package var status: Status
  package var reason: Reason?
  /// `dwVersion` of unicodePwd afterwards (msDS-KeyVersionNumber), where it was read.
  package var version: UInt32?
  /// What the policy asks for where that helps: characters for `tooShort`, hours for `tooYoung`.
  package var number: Int?

  package init(_ status: Status, _ reason: Reason? = nil, version: UInt32? = nil, number: Int? = nil) {
    self.status = status
    self.reason = reason
    self.version = version
    self.number = number
  }
}

extension WritebackOutcome {
  /// For the person who waits.
  package var sentence: String {
    switch (status, reason) {
    case (.done, .historyNotEnforced): "It is done. The directory did not compare the password with earlier ones."
    case (.done, .wasNotLocked): "The account was not locked."
    case (.done, _): "It is done."
    case (_, .tooShort):
      "The password is too short." + (number.map { " It must have at least \($0) characters." } ?? "")
    case (_, .inHistory): "You have used this password before, or it is on your organisation’s list of refused ones."
    case (_, .tooYoung):
      "Your password was changed only a short while ago."
        + (number.map { " It can be changed again in \($0 == 1 ? "an hour" : "\($0) hours")." } ?? "")
    case (_, .notComplex):
      "The password is too simple. Use three of: capital letters, small letters, digits, other characters; and leave out "
        + "your name."
    case (_, .policy): "Your organisation’s rules do not allow this password. Choose another one."
    case (_, .notAllowedCharacters): "The password holds characters that are not allowed, or too many of them."
    case (_, .wrongPassword): "The present password is wrong in your organisation’s directory."
    case (_, .notSynchronised): "This account does not come from your organisation’s directory."
    case (_, .outsideUnits), (_, .protectedAccount):
      "The password of this account cannot be changed from here. Ask your help desk."
    case (_, .tooOften): "There were too many attempts. Try again in an hour."
    case (_, .expired): "It took too long, and nothing was changed. Try again."
    case (_, .replayed), (_, .undecipherable): "The request was not accepted, and nothing was changed. Try again."
    case (_, .disabled): "Passwords cannot be changed from here at the moment. Ask your help desk."
    case (_, .accountRestricted):
      "The account is locked, disabled or otherwise restricted in your organisation’s directory. Ask your help desk."
    case (_, .unresolved):
      "It could not be found out whether the password was changed. Sign in with the new one; if that does not work, the "
        + "old one still holds."
    case (.unknown, _):
      "It is not known yet whether the password was changed. Wait a minute, then sign in with the new one; if that does "
        + "not work, the old one still holds."
    default:
      "Your organisation’s directory could not do it, and nothing was changed. Try again later, or ask your help desk."
    }
  }
}
