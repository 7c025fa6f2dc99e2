// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Wire
import Yams

/// A configuration file that cannot be used: every issue with its line.
struct ConfigurationError: DiagnosableError {
  let file: String
  let issues: [ConfigurationIssue]
  /// Nil for the configuration file itself.
  let hint: String?

  init(file: String, issues: [ConfigurationIssue], remedy hint: String? = nil) {
    self.file = file
    self.issues = issues
    self.hint = hint
  }

  var identifier: String { "configuration.invalid" }
  var message: String {
    issues.map { issue in
      let remedy = issue.remedy.hasSuffix("?") || issue.remedy.hasSuffix(".") ? issue.remedy : issue.remedy + "."
      return "\(file):\(issue.line):\(issue.column): \(issue.message). Remedy: \(remedy)"
    }.joined(separator: "\n")
  }
  var remedy: String {
    hint.map { "correct the file, or \($0)." }
      ?? "correct the file, then run 'bridgehead config validate --config \(file)'."
  }
  var description: String { message }
}

/// Reads `bridgehead.yaml`: size, syntax, schema, then what only the whole can tell.
enum ConfigurationLoader {
  /// A configuration larger than this is surely not one.
  static let maximumBytes = 1 << 20

  static func load(_ path: String) throws(ConfigurationError) -> Configuration {
    try parse(
      read(path, hint: "name the file with --config, or make one with 'bridgehead config init'"), file: path)
  }

  /// Reads a YAML file of another kind and holds it against its schema.
  static func document(_ path: String, _ schema: Schema, hint: String) throws(ConfigurationError) -> Node {
    try compose(read(path, hint: "name the right file, or \(hint)"), schema, file: path, hint: hint)
  }

  private static func compose(
    _ text: String, _ schema: Schema, file: String, hint: String?
  ) throws(ConfigurationError) -> Node {
    let root: Node
    do {
      guard let node = try Yams.compose(yaml: text) else {
        throw ConfigurationError(file, "the file is empty", hint ?? "start from 'bridgehead config init'")
      }
      root = node
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw syntaxError(error, file)
    }
    var validator = Validator()
    validator.validate(root, schema)
    guard validator.issues.isEmpty else {
      throw ConfigurationError(
        file: file, issues: validator.issues.sorted { ($0.line, $0.column) < ($1.line, $1.column) }, remedy: hint)
    }
    return root
  }

  static func parse(_ text: String, file: String) throws(ConfigurationError) -> Configuration {
    let root = try compose(text, .configuration, file: file, hint: nil)
    do {
      let configuration = try YAMLDecoder().decode(Configuration.self, from: root)
      let issues = configuration.inconsistencies(root)
      guard issues.isEmpty else { throw ConfigurationError(file: file, issues: issues) }
      return configuration
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError(file, "cannot be read: \(error)", "compare it with 'bridgehead config init'")
    }
  }

  static func read(_ path: String, hint: String) throws(ConfigurationError) -> String {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      let why = FileManager.default.fileExists(atPath: path) ? "the file cannot be read" : "there is no such file"
      throw ConfigurationError(path, why, hint)
    }
    guard data.count <= maximumBytes else {
      throw ConfigurationError(
        path, "the file has \(data.count) bytes, more than \(maximumBytes)", "name the right file")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw ConfigurationError(path, "the file is not UTF-8 text", "save it as UTF-8")
    }
    return text
  }

  private static func syntaxError(_ error: any Error, _ file: String) -> ConfigurationError {
    let remedy = "check indentation, colons and quotes around this place"
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return ConfigurationError(
        file: file,
        issues: [
          ConfigurationIssue(
            line: mark.line, column: mark.column, path: "", message: "not valid YAML: \(problem)", remedy: remedy)
        ])
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.map { "\($0)" }.joined(separator: ", ")
      return ConfigurationError(
        file: file,
        issues: [
          ConfigurationIssue(
            line: context.mark.line, column: context.mark.column, path: "",
            message: "the same key stands twice: \(names)", remedy: "keep one of them")
        ])
    default:
      return ConfigurationError(file, "not valid YAML: \(error)", remedy)
    }
  }
}

extension ConfigurationError {
  /// An error of the file as a whole.
  init(_ file: String, _ message: String, _ remedy: String) {
    self.init(
      file: file, issues: [ConfigurationIssue(line: 1, column: 1, path: "", message: message, remedy: remedy)])
  }
}

extension Configuration {
  /// What no single property shows: alternatives that exclude each other, names that must belong together.
  fileprivate func inconsistencies(_ root: Node) -> [ConfigurationIssue] {
    var issues: [ConfigurationIssue] = []
    func add(_ node: Node?, _ path: String, _ message: String, _ remedy: String) {
      issues.append(
        ConfigurationIssue(
          line: node?.mark?.line ?? 1, column: node?.mark?.column ?? 1, path: path, message: "\(path) \(message)",
          remedy: remedy))
    }
    if let connect, connect.forests.isEmpty {
      add(root["connect"]?["forests"], "connect.forests", "is empty", "name at least one forest")
    }
    var names: Set<String> = []
    for (index, forest) in (connect?.forests ?? []).enumerated() {
      let node = root["connect"]?["forests"]?[index]
      let path = "connect.forests[\(index)]"
      if !names.insert(forest.name.lowercased()).inserted {
        add(node?["name"], "\(path).name", "names \(forest.name) a second time", "keep one entry for each forest")
      }
      let credentials = forest.credentials
      if (credentials.keytab == nil) == (credentials.password == nil) {
        add(
          node?["credentials"], "\(path).credentials", "needs either keytab or password, and not both",
          "keep the one that holds the service account's secret")
      }
      if let writer = forest.writebackCredentials {
        if (writer.keytab == nil) == (writer.password == nil) {
          add(
            node?["writebackCredentials"], "\(path).writebackCredentials",
            "needs either keytab or password, and not both", "keep the one that holds the account's secret")
        }
        if (forest.writebackUnits?.include ?? []).isEmpty {
          add(
            node, path, "has writebackCredentials and no writebackUnits.include",
            "name the units whose users' passwords may be changed from the cloud")
        }
      }
      let domains = forest.domains ?? [forest.name]
      for unit in (forest.organizationalUnits?.include ?? []) + (forest.organizationalUnits?.exclude ?? []) {
        let domain = unit.split(separator: ",").compactMap { part in
          part.lowercased().hasPrefix("dc=") ? String(part.dropFirst(3)) : nil
        }.joined(separator: ".")
        if !domains.contains(where: { $0.lowercased() == domain.lowercased() }) {
          add(
            node?["organizationalUnits"], "\(path).organizationalUnits",
            "names \(unit), which lies in none of the domains \(domains.joined(separator: ", "))",
            "correct the DC parts, or add the domain to \(path).domains")
        }
      }
      if let sso = forest.seamlessSSO {
        if (sso.credentials.keytab == nil) == (sso.credentials.password == nil) {
          add(
            node?["seamlessSSO"], "\(path).seamlessSSO.credentials", "needs either keytab or password, and not both",
            "keep the one that holds the account's secret")
        }
        if let age = Duration(parsing: sso.rollEvery), age < .seconds(86_400) {
          add(
            node?["seamlessSSO"], "\(path).seamlessSSO.rollEvery",
            "is less than a day, in which tickets made with earlier keys are still in use", "write 30d")
        }
      }
      if let reader = forest.passwordCredentials, (reader.keytab == nil) == (reader.password == nil) {
        add(
          node?["passwordCredentials"], "\(path).passwordCredentials", "needs either keytab or password, and not both",
          "keep the one that holds the account's secret")
      }
    }
    if let connect {
      if connect.allTargets.count(where: { $0.writebackToken != nil }) > 1 {
        add(
          root["connect"]?["targets"], "connect.targets", "has several with a writebackToken",
          "let one cloud directory ask for changes of passwords")
      }
      if (connect.target == nil) == (connect.targets ?? []).isEmpty {
        add(
          root["connect"], "connect", "needs either target or targets, and not both",
          "name one cloud directory under target, or several under targets")
      }
      var keys: Set<String> = []
      for (index, target) in connect.allTargets.enumerated() {
        let isOne = connect.targets == nil
        let path = isOne ? "connect.target" : "connect.targets[\(index)]"
        let node = isOne ? root["connect"]?["target"] : root["connect"]?["targets"]?[index]
        if !keys.insert(target.key).inserted {
          add(node, "\(path).name", "is \(target.key) a second time", "give each target a name of its own")
        }
        if target.url.hasPrefix("http:") {
          add(
            node?["url"], "\(path).url", "is not sealed",
            "use https: the token and the directory would travel in clear text")
        }
        if target.isSyncAPI {
          let signIn = target.signIn
          if signIn == nil || (signIn?.refreshToken == nil) == (signIn?.certificate == nil)
            || (signIn?.certificate == nil) != (signIn?.key == nil)
          {
            add(
              node, "\(path).signIn", "must have either certificate and key, or refreshToken",
              "say how Connect signs in to a target of kind sync-api")
          }
          if let signIn, signIn.authority.hasPrefix("http:") {
            add(node?["signIn"], "\(path).signIn.authority", "is not sealed", "use https")
          }
          if target.token != nil || target.passwordToken != nil {
            add(node, path, "has a token, which a target of kind sync-api does not take", "use signIn and passwords")
          }
        } else {
          if target.token == nil {
            add(node, "\(path).token", "is missing", "add it: the bearer token of the SCIM 2.0 service")
          }
          if target.signIn != nil || target.passwords != nil {
            add(node, path, "has signIn or passwords, which are for kind sync-api", "use token and passwordToken")
          }
        }
      }
    }
    if let proxy = httpProxy, (proxy.user == nil) != (proxy.password == nil) {
      add(root["httpProxy"], "httpProxy", "has a user or a password without the other", "give both or neither")
    }
    return issues
  }
}
