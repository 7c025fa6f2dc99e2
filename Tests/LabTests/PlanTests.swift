// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Lab

@Suite struct PlanTests {
  @Test(arguments: [
    LabOptions(forests: []), LabOptions(forests: ["single"]), LabOptions(forests: ["Upper.example"]),
    LabOptions(forests: ["a..example"]), LabOptions(forests: ["-a.example"]), LabOptions(forests: ["a/b.example"]),
    LabOptions(forests: ["../../etc.example"]), LabOptions(forests: ["corp.example", "corp.test"]),
    LabOptions(domainControllers: 0), LabOptions(domainControllers: 10), LabOptions(users: 0), LabOptions(groups: -1),
    LabOptions(users: 2_000_000), LabOptions(firstNetwork: 0), LabOptions(firstNetwork: 251),
    LabOptions(forests: ["a.example", "b.example"], firstNetwork: 250),
  ])
  func impossibleOptionsAreRefused(_ options: LabOptions) {
    #expect { try options.validate() } throws: { ($0 as? LabError)?.code == .invalidOption }
  }

  @Test func forestsHaveNetworksOfTheirOwn() throws {
    let options = LabOptions(forests: ["corp.example", "other.example"], domainControllers: 2)
    try options.validate()
    let plans = ForestPlan.all(options)
    #expect(plans[0].controllers.map(\.address) == ["127.0.10.1", "127.0.10.2"])
    #expect(plans[1].controllers.map(\.fqdn) == ["dc1.other.example", "dc2.other.example"])
    #expect(plans[1].tenant.address == "127.0.11.80")
    #expect(plans[0].baseDN == "DC=corp,DC=example")
    #expect(plans[0].unverifiedSuffixes == ["corp.internal"])
    #expect(plans[0].crlURL == "http://crl.corp.example/lab.crl")
  }

  @Test func aNetBIOSNameHasAtMostFifteenCharacters() {
    #expect(ForestPlan.netbiosName(of: "averyveryverylongname.example") == "AVERYVERYVERYLO")
  }

  @Test func aDirectoryWithTooLongAPathIsRefused() {
    let plans = ForestPlan.all(LabOptions())
    #expect(throws: Never.self) { try LabDirectory(path: "/tmp/lab").checkLength(plans) }
    let long = "/" + String(repeating: "x", count: 80)
    #expect { try LabDirectory(path: long).checkLength(plans) } throws: { ($0 as? LabError)?.code == .pathTooLong }
  }

  @Test func sambaWritesOnlyIntoItsDirectory() throws {
    let forest = ForestPlan.all(LabOptions())[0]
    let text = SambaConfiguration(
      directory: "/lab/dc", forest: forest, controller: forest.controllers[0], certificateChain: "/lab/c.pem",
      privateKey: "/lab/c.key", authority: "/lab/ca.pem"
    ).text
    let paths = text.split(separator: "\n").compactMap { line in
      line.split(separator: "=", maxSplits: 1).last.map { $0.drop { $0 == " " } }
    }.filter { $0.hasPrefix("/") && $0 != "/bin/true" }
    #expect(paths.count > 10)
    #expect(paths.allSatisfy { $0.hasPrefix("/lab/") }, "\(paths)")
    #expect(!text.contains("dns forwarder"))
  }

  @Test func aForestsServersAskTheNextForests() {
    let plans = ForestPlan.all(LabOptions(forests: ["a.test", "b.test", "c.test"], firstNetwork: 20))
    #expect(plans.map(\.forwarder) == ["127.0.21.1", "127.0.22.1", nil])
    let text = SambaConfiguration(
      directory: "/lab/dc", forest: plans[0], controller: plans[0].controllers[0], certificateChain: "/lab/c.pem",
      privateKey: "/lab/c.key", authority: "/lab/ca.pem"
    ).text
    #expect(text.contains("\n\tdns forwarder = 127.0.21.1\n"))
  }

  @Test func clientsAskTheNearestServerFirst() {
    let plans = ForestPlan.all(LabOptions(domainControllers: 2))
    let text = ClientConfiguration.resolver(plans, first: "127.0.10.2")
    #expect(text.hasPrefix("nameserver 127.0.10.2\nnameserver 127.0.10.1\n"))
    #expect(ClientConfiguration.kerberos(plans).contains("kdc = 127.0.10.2"))
  }

  @Test func aDirectoryWithoutALabIsSaid() async throws {
    let directory = try TemporaryDirectory()
    let lab = LabEnvironment(
      directory: directory.path, environment: [:], executable: nil, cache: nil, now: { Date(timeIntervalSince1970: 0) })
    #expect(!lab.status().running)
    #expect { try lab.description() } throws: { ($0 as? LabError)?.code == .notALab }
    await #expect(throws: LabError.self) { try await lab.down() }
  }

  @Test func secretsAreTheOwnersOnlyAndDiffer() throws {
    let directory = try TemporaryDirectory()
    let secrets = try Secrets(directory: directory.path + "/s", userPassword: "u")
    #expect(secrets.administrator.password != secrets.service.password)
    for file in [secrets.administrator, secrets.service, secrets.plain, secrets.users] {
      #expect(try TemporaryDirectory.mode(file.passwordFile) == 0o600)
    }
    #expect(try TemporaryDirectory.mode(directory.path + "/s") == 0o700)
  }

  @Test func missingPackagesAreNamed() throws {
    #expect { try Preflight.packages(path: "/nonexistent") } throws: { error in
      guard let error = error as? LabError else { return false }
      return error.code == .missingPrograms && error.remedy.contains("apt-get install")
        && error.remedy.contains("samba-ad-dc") && error.remedy.contains("krb5-user")
    }
  }
}
