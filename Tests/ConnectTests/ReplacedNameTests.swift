// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Synchronization
import Testing

@testable import Connect

/// Who gets another sign-in name than the directory's is told, and why.
@Suite struct ReplacedNameTests {
  @Test func itIsCountedListedAndForetold() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people, ["userprincipalname": ["ann@branch.example"]])
      _ = site.directory.user("bob", in: site.people, ["userprincipalname": [], "mailnickname": ["bobby"]])
      _ = site.directory.user("cem", in: site.people)
      let foretold = Mutex<[ObjectDifference]>([])
      _ = try await site.service().preview { difference in foretold.withLock { $0.append(difference) } }
      #expect(
        foretold.withLock { $0 }.compactMap { $0.replacedName?.name }.sorted() == [
          "ann@corp.onbridgehead.example", "bobby@corp.onbridgehead.example",
        ])
      #expect(try await ConnectStatus.read(site.store).replacedNames.count == 0)

      #expect(try await site.sync().replacedNames == 2)
      let told = try await ConnectStatus.read(site.store).replacedNames
      #expect(told.names.map(\.name) == ["ann@corp.onbridgehead.example", "bobby@corp.onbridgehead.example"])
      #expect(
        told.names.map(\.reason) == [
          "tenant has not verified branch.example, the suffix of ann@branch.example", "it has no user principal name",
        ])
      #expect(told.names.first?.distinguishedName == "CN=ann,OU=People,DC=corp,DC=example")
      let view = try await site.finder().show("ann", in: site.store)
      #expect(view.first?.replacedNames.map(\.wanted) == ["ann@branch.example"])
      #expect(try await site.finder().show("cem", in: site.store).first?.replacedNames == [])

      // It is told as long as it is so, also by a pass that changes nothing.
      #expect(try await site.sync().replacedNames == 2)
      site.directory.modify(ann, ["userprincipalname": ["ann@corp.example"]])
      #expect(try await site.sync().replacedNames == 1)
      var verifying = site.configuration()
      verifying.targets[0].verifiedDomains.append("branch.example")
      site.directory.modify(ann, ["userprincipalname": ["ann@branch.example"]])
      #expect(try await site.sync(verifying).replacedNames == 1)
      for name in ["bob", "ann"] {
        let entry = try await site.finder(verifying).show(name, in: site.store).first
        #expect((entry?.replacedNames.isEmpty ?? true) == (name == "ann"))
      }
    }
  }

  @Test func eachTargetHasItsOwn() async throws {
    try await Site.with { site in
      let configuration = site.twoTargets(verifying: ["branch.example"], initial: "corp.second.example")
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people, ["userprincipalname": ["bob@branch.example"]])
      _ = site.directory.user("cem", in: site.people)
      #expect(try await site.sync(configuration).replacedNames == 3)
      let names = try await ConnectStatus.read(site.store).replacedNames.names
      #expect(names.map(\.target) == ["second", "tenant", "second"])
      #expect(
        names.map(\.name) == [
          "ann@corp.second.example", "bob@corp.onbridgehead.example", "cem@corp.second.example",
        ])
      for user in [ann, bob] { site.directory.delete(user) }
      #expect(try await site.sync(configuration).replacedNames == 1)
      #expect(try await site.count("SELECT COUNT(*) FROM replaced_name") == 1)
    }
  }
}
