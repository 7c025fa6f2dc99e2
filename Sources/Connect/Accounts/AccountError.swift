// SPDX-License-Identifier: Apache-2.0

import RPC
import Wire

/// A right in the access lists of Active Directory that an operation on accounts needs.
package enum AccountRight: String, Sendable, CaseIterable {
  /// Create Child of class computer on the container of new computers.
  case createComputer
  /// The extended right Reset Password on the account.
  case resetPassword
  /// Reset Password, and Write Property of pwdLastSet: which of them is missing the controller does not tell.
  case resetPasswordToBeChanged
  /// Write Property of userAccountControl, which SAMR writes, on the account. Whoever writes lockoutTime by LDAP needs that
  /// property only.
  case unlock
  /// Delete on the account, or Delete Child on its container.
  case delete

  var words: String {
    switch self {
    case .createComputer: "to create computer accounts in the container of new computers"
    case .resetPassword: "to reset the password of the account"
    case .resetPasswordToBeChanged: "to reset the password of the account, or the one to demand its change (pwdLastSet)"
    case .unlock: "to unlock the account"
    case .delete: "to delete the account"
    }
  }

  /// How a domain's administrator grants it; CONTAINER and ACCOUNT are to be filled in.
  var grant: String {
    switch self {
    case .createComputer: #"dsacls "CN=Computers,DC=…" /G "DOMAIN\ACCOUNT:CC;computer""#
    case .resetPassword: #"dsacls "OU=…" /I:S /G "DOMAIN\ACCOUNT:CA;Reset Password;user""#
    case .resetPasswordToBeChanged:
      #"dsacls "OU=…" /I:S /G "DOMAIN\ACCOUNT:CA;Reset Password;user" "DOMAIN\ACCOUNT:WP;pwdLastSet;user""#
    case .unlock: #"dsacls "OU=…" /I:S /G "DOMAIN\ACCOUNT:WP;userAccountControl;user""#
    case .delete: #"dsacls "OU=…" /G "DOMAIN\ACCOUNT:DC;computer""#
    }
  }
}

/// Why an account could not be changed.
package struct AccountError: DiagnosableError {
  package enum Code: String, Sendable {
    case missingRight
    case noSuchAccount
    case alreadyExists
    /// The domain's policy refuses the password: length, complexity, history or age.
    case passwordPolicy
    case wrongPassword
    case accountRestricted
    /// The controller knows no way to do it that is safe enough.
    case unsupported
    case refused
  }

  package var code: Code
  package var message: String
  package var remedy: String
  package var right: AccountRight?

  package var identifier: String { "account.\(code.rawValue)" }

  /// nca_s_op_rng_error (C706 appendix E): the controller is older than the operation.
  private static let unknownOperation: UInt32 = 0x1c01_0002

  /// - Parameters:
  ///   - action: what was being done, for example `Resetting the password of anna`.
  ///   - right: what the operation needs beside an account.
  init(_ error: RPCError, action: String, needing right: AccountRight?) {
    var (code, remedy) = (Code.refused, error.remedy)
    self.right = nil
    switch error.status {
    case NTStatus.accessDenied.rawValue where right != nil:
      code = .missingRight
      self.right = right
      remedy = right.map { "Grant it: \($0.grant)" } ?? remedy
    case NTStatus.machineAccountQuota.rawValue:
      code = .missingRight
      self.right = .createComputer
      remedy = "Grant it: \(AccountRight.createComputer.grant)"
    case NTStatus.noneMapped.rawValue, NTStatus.noSuchUser.rawValue: code = .noSuchAccount
    case NTStatus.userExists.rawValue: code = .alreadyExists
    case NTStatus.passwordRestriction.rawValue, NTStatus.illFormedPassword.rawValue: code = .passwordPolicy
    case NTStatus.wrongPassword.rawValue: code = .wrongPassword
    case NTStatus.accountLockedOut.rawValue, NTStatus.accountDisabled.rawValue, NTStatus.accountRestriction.rawValue:
      code = .accountRestricted
    case Self.unknownOperation where error.code == .fault:
      code = .unsupported
      remedy = "Update the domain controller, or use another one."
    default: break
    }
    let cause = self.right.map { "the account that Bridgehead uses lacks the right \($0.words)" } ?? error.message
    self.code = code
    message = "\(action) failed: \(cause)\(cause.hasSuffix(".") ? "" : ".")"
    self.remedy = remedy
  }
}
