// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Yams

extension Configuration {
  /// What no single property shows: alternatives that exclude each other, names that must belong together.
  func inconsistencies(_ root: Node) -> [ConfigurationIssue] {
    var findings = Findings()
    if let connect {
      connect.check(root["connect"], &findings)
      var names: Set<String> = []
      for (index, forest) in connect.forests.enumerated() {
        let (node, path) = (root["connect"]?["forests"]?[index], "connect.forests[\(index)]")
        if !names.insert(forest.name.lowercased()).inserted {
          findings.add(
            node?["name"], "\(path).name", "names \(forest.name) a second time", "keep one entry for each forest")
        }
        forest.check(node, path, &findings)
      }
      var keys: Set<String> = []
      for (index, target) in connect.allTargets.enumerated() {
        let isOne = connect.targets == nil
        let path = isOne ? "connect.target" : "connect.targets[\(index)]"
        let node = isOne ? root["connect"]?["target"] : root["connect"]?["targets"]?[index]
        if !keys.insert(target.key).inserted {
          findings.add(node, "\(path).name", "is \(target.key) a second time", "give each target a name of its own")
        }
        target.check(node, path, &findings)
      }
    }
    if let proxy = httpProxy, (proxy.user == nil) != (proxy.password == nil) {
      findings.add(root["httpProxy"], "httpProxy", "has a user or a password without the other", "give both or neither")
    }
    return findings.issues.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
  }

  fileprivate struct Findings {
    var issues: [ConfigurationIssue] = []

    mutating func add(_ node: Node?, _ path: String, _ message: String, _ remedy: String) {
      issues.append(
        ConfigurationIssue(
          line: node?.mark?.line ?? 1, column: node?.mark?.column ?? 1, path: path, message: "\(path) \(message)",
          remedy: remedy))
    }

    mutating func check(_ credentials: Credentials?, _ node: Node?, _ path: String, of account: String = "account") {
      guard let credentials, (credentials.keytab == nil) == (credentials.password == nil) else { return }
      add(
        node, path, "needs either keytab or password, and not both", "keep the one that holds the \(account)'s secret")
    }
  }
}

extension Configuration.ConnectSection {
  fileprivate func check(_ node: Node?, _ findings: inout Configuration.Findings) {
    if forests.isEmpty {
      findings.add(node?["forests"], "connect.forests", "is empty", "name at least one forest")
    }
    if allTargets.count(where: { $0.writebackToken != nil }) > 1 {
      findings.add(
        node?["targets"], "connect.targets", "has several with a writebackToken",
        "let one cloud directory ask for changes of passwords")
    }
    if (target == nil) == (targets ?? []).isEmpty {
      findings.add(
        node, "connect", "needs either target or targets, and not both",
        "name one cloud directory under target, or several under targets")
    }
  }
}

extension Configuration.Forest {
  fileprivate func check(_ node: Node?, _ path: String, _ findings: inout Configuration.Findings) {
    findings.check(credentials, node?["credentials"], "\(path).credentials", of: "service account")
    findings.check(writebackCredentials, node?["writebackCredentials"], "\(path).writebackCredentials")
    if writebackCredentials != nil, (writebackUnits?.include ?? []).isEmpty {
      findings.add(
        node, path, "has writebackCredentials and no writebackUnits.include",
        "name the units whose users' passwords may be changed from the cloud")
    }
    findings.check(passwordCredentials, node?["passwordCredentials"], "\(path).passwordCredentials")
    checkUnits(node, path, &findings)
    if let seamlessSSO {
      findings.check(seamlessSSO.credentials, node?["seamlessSSO"], "\(path).seamlessSSO.credentials")
      if let age = Duration(parsing: seamlessSSO.rollEvery), age < .seconds(86_400) {
        findings.add(
          node?["seamlessSSO"], "\(path).seamlessSSO.rollEvery",
          "is less than a day, in which tickets made with earlier keys are still in use", "write 30d")
      }
    }
  }

  private func checkUnits(_ node: Node?, _ path: String, _ findings: inout Configuration.Findings) {
    let domains = domains ?? [name]
    for unit in (organizationalUnits?.include ?? []) + (organizationalUnits?.exclude ?? []) {
      let domain = unit.split(separator: ",").compactMap { part in
        part.lowercased().hasPrefix("dc=") ? String(part.dropFirst(3)) : nil
      }.joined(separator: ".")
      if !domains.contains(where: { $0.lowercased() == domain.lowercased() }) {
        findings.add(
          node?["organizationalUnits"], "\(path).organizationalUnits",
          "names \(unit), which lies in none of the domains \(domains.joined(separator: ", "))",
          "correct the DC parts, or add the domain to \(path).domains")
      }
    }
  }
}

extension Configuration.Target {
  fileprivate func check(_ node: Node?, _ path: String, _ findings: inout Configuration.Findings) {
    if url.hasPrefix("http:") {
      findings.add(
        node?["url"], "\(path).url", "is not sealed",
        "use https: the token and the directory would travel in clear text")
    }
    guard isSyncAPI else {
      if token == nil {
        findings.add(node, "\(path).token", "is missing", "add it: the bearer token of the SCIM 2.0 service")
      }
      if signIn != nil || passwords != nil {
        findings.add(node, path, "has signIn or passwords, which are for kind sync-api", "use token and passwordToken")
      }
      return
    }
    if signIn == nil || (signIn?.refreshToken == nil) == (signIn?.certificate == nil)
      || (signIn?.certificate == nil) != (signIn?.key == nil)
    {
      findings.add(
        node, "\(path).signIn", "must have either certificate and key, or refreshToken",
        "say how Connect signs in to a target of kind sync-api")
    }
    if let signIn, signIn.authority.hasPrefix("http:") {
      findings.add(node?["signIn"], "\(path).signIn.authority", "is not sealed", "use https")
    }
    if token != nil || passwordToken != nil {
      findings.add(node, path, "has a token, which a target of kind sync-api does not take", "use signIn and passwords")
    }
  }
}
