// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Clocks, sign-ins and rights.
enum IdentityDiagnosis {
  /// Seconds: what Active Directory accepts by default ("Maximum tolerance for computer clock synchronization").
  static let toleratedSkew = 300.0

  static func judge(_ matter: Matter) -> Judgement? {
    matter.first { observation in
      switch observation {
      case .clockSkew(let seconds, let source)
      where abs(seconds) > toleratedSkew && matter.flow.row == .connectADKerberos:
        Judgement(
          .broken, .clockSkew, "\(skew(seconds, matter)), says \(source); Kerberos tolerates 300 s.",
          Remedy(
            .source, "Synchronise the clocks of \(matter.flow.source.host) and \(matter.flow.target.host) (123/udp)."))
      case .wrongServicePrincipal(let reason):
        Judgement(
          .broken, .wrongServicePrincipal, "\(matter.flow.name) cannot be signed in to by its name: \(reason)",
          Remedy(
            .directory,
            "Register the service principal on the account of \(matter.flow.target.host) (setspn), and only there."))
      case .authenticationRefused(_, let reason):
        Judgement(
          .broken, .authenticationRefused, "The sign-in was refused: \(reason)",
          Remedy(.directory, "Check the account and its password or keytab; no further sign-in was tried."))
      case .permissionDenied(let reason):
        Judgement(
          .broken, .permissionDenied, "Signed in to \(matter.flow.name), and a right is missing: \(reason)",
          Remedy(.directory, "Grant the account the missing right."))
      case .authenticationNotTried(let reason):
        Judgement(
          .inconclusive, .authenticationRefused, "\(matter.flow.name) answers; no sign-in was tried: \(reason)",
          Remedy(.source, "See the finding that says why, then check again."))
      default: nil
      }
    }
  }

  static func skew(_ seconds: Double, _ matter: Matter) -> String {
    let amount = Int(abs(seconds).rounded())
    return "The clock of \(matter.flow.target.host) is \(amount) s \(seconds < 0 ? "behind" : "ahead of") "
      + "that of \(matter.flow.source.host)"
  }
}
