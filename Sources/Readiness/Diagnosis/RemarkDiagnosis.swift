// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Flows that work, and what should be seen to before they stop.
enum RemarkDiagnosis {
  /// Seconds: half of what Active Directory accepts: time to tell someone.
  private static let remarkableSkew = 150.0

  static func judge(_ matter: Matter) -> Judgement? {
    guard matter.flow.isDeepEnough else { return nil }
    return matter.first { observation in
      switch observation {
      case .clockSkew(let seconds, let source) where abs(seconds) > remarkableSkew:
        Judgement(
          .worksWithRemark, .clockSkew, "\(IdentityDiagnosis.skew(seconds, matter)), says \(source).",
          Remedy(
            .source, "Synchronise the clocks of \(matter.flow.source.host) and \(matter.flow.target.host) (123/udp)."))
      case .certificateExpiresSoon(let notAfter, let days):
        Judgement(
          .worksWithRemark, .certificateExpiresSoon,
          "The certificate of \(matter.flow.name) expires in \(days) days (\(notAfter.formatted(.iso8601))).",
          Remedy(.certificates, "Renew the certificate of \(matter.flow.target.host)."))
      default: nil
      }
    }
  }
}
