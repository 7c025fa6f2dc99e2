// SPDX-License-Identifier: Apache-2.0

/// Which domain controller answers, and whether it can do what the row is for.
enum DirectoryDiagnosis {
  static func judge(_ matter: Matter) -> Judgement? {
    matter.first { observation in
      switch observation {
      case .wrongDomain(let found, let expected):
        Judgement(
          .wrongService, .wrongDomain,
          "\(matter.flow.name) answers for \(found.map { "the domain \($0)" } ?? "another domain") and not for \(expected).",
          Remedy(
            .source, "Correct the domain or the address of \(matter.flow.target.host) in the topology or in the DNS."))
      case .wrongHost(let found, let expected):
        Judgement(
          .wrongService, .wrongController, "\(matter.flow.name) is \(found), where \(expected) was expected.",
          Remedy(.dns, "Correct the address of \(expected), or the translation on the way."))
      case .readOnlyController:
        Judgement(
          .broken, .readOnlyController, "\(matter.flow.name) is a read-only domain controller.",
          Remedy(.source, "Use a writable domain controller: the topology's domainControllers can name them."))
      case .controllerPaused:
        Judgement(
          .broken, .serviceStopped, "The Netlogon service of \(matter.flow.target.host) is paused.",
          matter.target("Resume the Netlogon service on \(matter.flow.target.host)."))
      case .globalCatalogNotReady:
        Judgement(
          .broken, .globalCatalogNotReady, "\(matter.flow.name) is a global catalog that is not ready yet.",
          Remedy(.directory, "Wait until the catalog is built; see the replication of \(matter.flow.target.host)."))
      case .notGlobalCatalog:
        Judgement(
          .wrongService, .globalCatalogNotReady, "\(matter.flow.name) is no global catalog.",
          Remedy(.directory, "Make \(matter.flow.target.host) a global catalog, or name another one in the topology."))
      case .ldapResult(let code, let name):
        Judgement(
          .broken, .serviceStopped, "\(matter.flow.name) answers the search with result \(code) (\(name)).",
          matter.target("Look the search up in the log of the directory service on \(matter.flow.target.host)."))
      default: nil
      }
    }
  }
}
