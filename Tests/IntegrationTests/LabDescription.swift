// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The lab that integration tests run against: `lab.json` as `bridgehead lab up` writes it, named by `BRIDGEHEAD_LAB`.
///
/// Suites that need it are `.enabled(if: Lab.current != nil)` and run inside `bridgehead lab exec -- swift test …`.
struct LabDescription: Decodable, Sendable {
  struct Controller: Decodable, Sendable {
    var host: String
    var netbios: String
    var address: String
    var site: String
    var ports: [String: Int]
    var invocationID: String
  }

  struct Account: Decodable, Sendable {
    var principal: String
    var passwordFile: String
    var keytabFile: String?

    /// Fails the test that asks when the file cannot be read.
    func password() throws -> String {
      try String(contentsOfFile: passwordFile, encoding: .utf8).trimmingCharacters(in: .newlines)
    }
  }

  struct Server: Decodable, Sendable {
    var name: String
    var address: String
    var certificateChainFile: String
    var privateKeyFile: String
  }

  struct Forest: Decodable, Sendable {
    var name: String
    var netbios: String
    var realm: String
    var baseDN: String
    var domainSID: String
    var controllers: [Controller]
    var dnsServers: [String]
    var administrator: Account
    var serviceAccount: Account
    var plainAccount: Account
    var passwordAccount: Account
    var userPasswordFile: String
    var tenant: Server
    var crlURL: String
    var crlAddress: String
    var counts: [String: Int]
  }

  var directory: String
  var forests: [Forest]
  var certificateAuthorityFile: String

  /// The forest that tests use unless they need several.
  var forest: Forest { forests[0] }
}

enum Lab {
  /// The path of `lab.json`.
  static let path = ProcessInfo.processInfo.environment["BRIDGEHEAD_LAB"]

  /// Nil when no lab was named. A lab that was named and cannot be read is a failure, not a reason to skip.
  static let current: LabDescription? = path.map { path in
    do {
      return try JSONDecoder().decode(LabDescription.self, from: Data(contentsOf: URL(filePath: path)))
    } catch {
      fatalError("BRIDGEHEAD_LAB names \(path), which is no description of a lab: \(error)")
    }
  }
}
