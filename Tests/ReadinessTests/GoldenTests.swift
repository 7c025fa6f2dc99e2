// SPDX-License-Identifier: Apache-2.0

import Readiness
import Testing

/// Each format's text for each topology, byte by byte. To write them anew after a wanted change, and read the difference:
///
///     BRIDGEHEAD_WRITE_GOLDENS=1 swift test --filter GoldenTests && git diff Tests/ReadinessTests/Golden
@Suite struct GoldenTests {
  @Test(arguments: Goldens.names, Format.all.map(\.name)) func rules(_ topology: String, _ format: String) throws {
    let plan = Planner.plan(try Goldens.topology(topology))
    let format = try #require(Format.named(format))
    let text = format.render(plan).text
    #expect(try Goldens.stored("\(topology)/\(format.name)", writing: text) == text)
    guard format.refusesOthers else { return }
    let strict = format.render(plan, RenderOptions(refusesOthers: true)).text
    #expect(try Goldens.stored("\(topology)/\(format.name)-refuse-others", writing: strict) == strict)
  }

  @Test(arguments: Goldens.names) func lint(_ name: String) throws {
    let topology = try Goldens.topology(name)
    #expect(topology.problems == [])
    let text = LintReport.text(Lint.findings(topology, Planner.plan(topology)), file: "\(name).yaml") + "\n"
    #expect(try Goldens.stored("\(name)/lint", writing: text) == text)
  }

  @Test func everyFormatHasItsNameInTheTable() {
    #expect(
      Format.all.map(\.name) == [
        "nftables", "iptables", "firewalld", "windows", "azure-bicep", "azure-terraform", "aws-terraform",
        "gcp-terraform", "cisco-asa", "cisco-ios", "palo-alto", "pf", "aerleon", "csv", "markdown",
      ])
  }
}
