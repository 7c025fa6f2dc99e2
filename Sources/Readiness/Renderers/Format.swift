// SPDX-License-Identifier: Apache-2.0

package import PortReference

/// A firewall's language, and how a plan is written in it.
package struct Format: Sendable {
  /// What the command line takes.
  package let name: String
  package let summary: String
  /// Whether the output can also refuse what is not planned, within its own table, chain or anchor.
  package let refusesOthers: Bool
  private let render: @Sendable (Plan, RenderOptions) -> Rendering

  init(
    _ name: String, _ summary: String, refusesOthers: Bool = false,
    _ render: @escaping @Sendable (Plan, RenderOptions) -> Rendering
  ) {
    self.name = name
    self.summary = summary
    self.refusesOthers = refusesOthers
    self.render = render
  }

  package func render(_ plan: Plan, _ options: RenderOptions = RenderOptions()) -> Rendering { render(plan, options) }

  /// The renderers by name, in the order of the help.
  package static let all: [Format] = [
    Format("nftables", "a table of its own for nft -f", refusesOthers: true, NftablesRenderer.render),
    Format(
      "iptables", "two chains for iptables-restore and ip6tables-restore", refusesOthers: true,
      IptablesRenderer.render),
    Format("firewalld", "two policies, as a shell script of firewall-cmd", FirewalldRenderer.render),
    Format("windows", "New-NetFirewallRule, as a PowerShell script", WindowsRenderer.render),
    Format("azure-bicep", "rules of network security groups, Bicep", AzureBicepRenderer.render),
    Format("azure-terraform", "rules of network security groups, Terraform azurerm", AzureTerraformRenderer.render),
    Format("aws-terraform", "security groups, Terraform aws", AWSTerraformRenderer.render),
    Format("gcp-terraform", "a network firewall policy, Terraform google", GCPTerraformRenderer.render),
    Format("cisco-asa", "access lists for ASA", CiscoASARenderer.render),
    Format("cisco-ios", "access lists for IOS and IOS XE", CiscoIOSRenderer.render),
    Format("palo-alto", "set commands for PAN-OS", PaloAltoRenderer.render),
    Format("pf", "an anchor for pfctl", refusesOthers: true, PFRenderer.render),
    Format("aerleon", "definitions and a policy for aerleon, YAML", AerleonRenderer.render),
    Format("csv", "one line for each rule, RFC 4180", CSVRenderer.render),
    Format("markdown", "tables for people", MarkdownRenderer.render),
  ]

  package static func named(_ name: String) -> Format? { all.first { $0.name == name } }
}

package struct RenderOptions: Sendable {
  /// Refuse what is not planned, within what the output owns.
  package var refusesOthers = false

  package init(refusesOthers: Bool = false) { self.refusesOthers = refusesOthers }
}

package struct Rendering: Sendable {
  package let text: String
  /// What the plan asks for and the format cannot say.
  package let gaps: [Gap]
  /// Where the rules are more than the platform takes without being asked.
  package var excesses: [QuotaExcess] = []
}

/// A part of a rule that a format has no words for. It is told in a comment and by the lint, never opened wider.
package struct Gap: Sendable, Hashable {
  package let host: String
  package let rows: [RowID]
  package let message: String
  package let remedy: String
}
