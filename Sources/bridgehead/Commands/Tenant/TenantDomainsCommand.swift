// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DirectoryLocator
import Tenant

struct TenantDomains: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "domains", abstract: "The domains that users' names may end in.",
    subcommands: [List.self, Add.self, Verify.self, Remove.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the domains.", discussion: "EXAMPLE\n  bridgehead tenant domains list")
    @OptionGroup var configurationFile: ConfigurationOption
    @Flag(help: "Write JSON.")
    var json = false

    private struct Report: Encodable {
      let name: String
      let initial, verified: Bool
      /// The text of the record that is still to be published.
      let proof: String?
    }

    func run() async throws {
      let domains = try await TenantAccess(configurationFile).directory().domains().map {
        Report(
          name: $0.name, initial: $0.isInitial, verified: $0.verified != nil,
          proof: $0.verified == nil ? $0.proof : nil)
      }
      if json { return try printJSON(domains) }
      print(
        Table(
          header: ["NAME", "INITIAL", "VERIFIED", "TXT RECORD"],
          rows: domains.map { [$0.name, $0.initial ? "yes" : "no", $0.verified ? "yes" : "no", $0.proof ?? ""] }
        ).text())
    }
  }

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add a domain.",
      discussion: """
        You vouch for the domain, or prove by a DNS record that it is yours: until then no user's name may end in it.

        EXAMPLES
          bridgehead tenant domains add corp.example
          bridgehead tenant domains add corp.example --unverified
        """)
    @OptionGroup var configurationFile: ConfigurationOption
    @Argument(help: "The domain's name.")
    var name: String
    @Flag(help: "Do not vouch for it: say which TXT record 'tenant domains verify' is to find.")
    var unverified = false

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      let directory = try await access.directory()
      let domain = try await directory.addDomain(name, by: access.actor)
      if unverified {
        print("added \(domain.name), not verified yet: publish this TXT record at \(domain.name)")
        print("  \(domain.proof)")
        return print("then run 'bridgehead tenant domains verify \(domain.name)'")
      }
      _ = try await directory.verifyDomain(name, proof: .administrator, by: access.actor)
      print("added \(domain.name)")
    }
  }

  struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Verify a domain by its TXT record.",
      discussion: """
        Looks among the TXT records of the domain for the one that 'tenant domains list' shows. The servers of dns.servers in
        the configuration are asked, or those of the machine.

        EXAMPLE
          bridgehead tenant domains verify corp.example
        """)
    @OptionGroup var configurationFile: ConfigurationOption
    @Argument(help: "The domain's name.")
    var name: String

    func run() async throws {
      let configuration = try ConfigurationLoader.load(configurationFile.config)
      let access = try TenantAccess(configuration, file: configurationFile.config)
      let directory = try await access.directory()
      let resolver = DNSResolver(.init(servers: try Names.servers(configuration)), flow: nil)
      let found = try await resolver.texts(of: name)
      let domain = try await directory.verifyDomain(name, proof: .records(found.records), by: access.actor)
      print("verified \(domain.name), by the word of \(found.source)")
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove a domain that no user's name ends in.",
      discussion: "EXAMPLE\n  bridgehead tenant domains remove old.example")
    @OptionGroup var configurationFile: ConfigurationOption
    @Argument(help: "The domain's name.")
    var name: String

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      try await access.directory().removeDomain(name, by: access.actor)
      print("removed \(name)")
    }
  }
}
