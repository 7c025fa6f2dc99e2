// SPDX-License-Identifier: Apache-2.0

import Wire

extension LocatorError {
  /// Why none of the candidates can be used, with what is known of each.
  init(_ role: ControllerProbe.Role, _ decisions: [Decision], excluded: [String: Int], isAllowList: Bool) {
    let what = role.isCatalog ? "global catalogs of the forest" : "domain controllers of"
    var details = decisions.map { "\($0.candidate.host):\($0.candidate.pingPort) \($0.verdict.text)" }
    details += excluded.sorted { $0.key < $1.key }
      .map { "\($0.key) was lost and is avoided for another \($0.value) s" }
    let list = details.isEmpty ? "no candidates" : details.joined(separator: "; ")
    let verdicts = decisions.map(\.verdict)

    let readOnly = verdicts.contains { if case .readOnly = $0 { true } else { false } }
    let notCatalog = verdicts.contains { if case .notGlobalCatalog = $0 { true } else { false } }
    let elsewhere = verdicts.contains { if case .wrongDomain = $0 { true } else { false } }
    if readOnly {
      self.init(
        .onlyReadOnlyControllers, "Only read-only domain controllers of \(role.name) answer: \(list).",
        remedy: "Let this machine reach a writable domain controller: read-only ones lack the data of an import.")
    } else if notCatalog {
      self.init(
        .noGlobalCatalog, "None of the domain controllers of \(role.name) that answer is a global catalog: \(list).",
        remedy: "Wait until the catalog is built, or make a domain controller that is reachable a global catalog.")
    } else if elsewhere {
      self.init(
        .wrongDomain, "The hosts asked for \(role.name) answer, but for another domain: \(list).",
        remedy: "Correct the domain's name or the list of its domain controllers.")
    } else if isAllowList {
      self.init(
        .noAllowedController, "None of the allowed \(what) \(role.name) can be used: \(list).",
        remedy: "Start one of them, open UDP port 389 to them, or allow another domain controller in the configuration."
      )
    } else {
      self.init(
        .noLiveController, "None of the \(what) \(role.name) can be used: \(list).",
        remedy: "Start one of them, check their address records, and open UDP port 389 to them.")
    }
  }
}
