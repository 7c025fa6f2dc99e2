// SPDX-License-Identifier: Apache-2.0

/// What is said of an address that chance drew out of a network. Nobody said that a host of the role is there: silence and
/// refusals that would be failures of a named host decide nothing. What works, works; and a firewall that names itself
/// has spoken for the path.
enum DrawnDiagnosis {
  static func weigh(_ judgement: Judgement, _ matter: Matter) -> Judgement {
    guard judgement.verdict.isFailure, ![.rejectedByICMP, .localFirewall].contains(judgement.diagnosis) else {
      return judgement
    }
    let network = matter.flow.sample ?? "the network"
    return Judgement(
      .inconclusive, judgement.diagnosis,
      "\(judgement.summary) The address was drawn out of \(network): whether it should answer is not known.",
      Remedy(
        .source, "Name the hosts of \(network) in the topology: by single addresses, or by a DNS name that leads there."
      ))
  }
}
