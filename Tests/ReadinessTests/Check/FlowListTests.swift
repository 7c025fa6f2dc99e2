// SPDX-License-Identifier: Apache-2.0

import PortReference
import Testing
import Wire

@testable import Readiness

/// What is planned is checked, and nothing else.
@Suite struct FlowListTests {
  private func networks(_ texts: String...) -> [IPNetwork] { texts.compactMap { IPNetwork(parsing: $0) } }

  private func topology(_ features: [Feature]) -> Topology {
    var topology = Topology(
      name: "t", features: features,
      connect: [Host("sync1", networks("192.0.2.5")), Host("sync2", networks("192.0.2.6"))],
      forests: [
        Forest(
          "corp.example",
          [
            .init(
              "corp.example",
              [
                .init("dc1.corp.example", networks("192.0.2.10"), globalCatalog: true),
                .init("dc2.corp.example", networks("192.0.2.11")),
                .init("rodc.corp.example", networks("192.0.2.12"), readOnly: true),
              ])
          ])
      ])
    var cloud = CloudService("cloud", dnsNames: ["login.cloud.example", "*.cloud.example"].compactMap(DNSPattern.init))
    cloud.protocols = [.https]
    topology.cloud = [cloud]
    return topology
  }

  private func flows(_ topology: Topology, _ selection: FlowList.Selection = .init(), local: String = "")
    -> [CheckedFlow]
  {
    FlowList(topology) { $0 == local }.flows(selection)
  }

  @Test func onlyWhatAFeatureNeeds() {
    let rows = Set(flows(topology([.directoryImport])).map(\.row))
    #expect(rows == [.connectADDNS, .connectADKerberos, .connectADLDAP])
  }

  @Test func everyControllerThatIsUsedOverEachTransport() {
    let ldap = flows(topology([.directoryImport])).filter { $0.row == .connectADLDAP }
    #expect(
      ldap.map { "\($0.target.host) \($0.transport.rawValue)" } == [
        "dc1.corp.example tcp", "dc1.corp.example udp", "dc2.corp.example tcp", "dc2.corp.example udp",
      ])
    #expect(ldap.allSatisfy { $0.target.domain == "corp.example" && $0.rule != nil && $0.isRequired })
    #expect(
      flows(topology([.directoryImportTLS])).filter { $0.row == .connectADLDAPS }.allSatisfy { $0.transport == .tcp })
  }

  @Test func onlyGlobalCatalogsAreAskedAsSuch() {
    let catalogs = flows(topology([.seamlessSSO])).filter { $0.row == .connectADGlobalCatalog }
    #expect(catalogs.map(\.target.host) == ["dc1.corp.example"])
  }

  @Test func wildcardsAreToldAndNotAsked() {
    let cloud = flows(topology([.cloudExport])).filter { $0.row == .connectCloudHTTPS }
    #expect(cloud.map(\.target.host) == ["login.cloud.example", "*.cloud.example"])
    #expect(cloud.map(\.target.sample) == [nil, .names("*.cloud.example")])
    #expect(cloud.allSatisfy { $0.target.isPublic && $0.target.address.isEmpty })
  }

  @Test func samplesStandForTheirWildcard() {
    var topology = topology([.cloudExport])
    topology.cloud?[0].samples = ["a.cloud.example", "login.cloud.example"].compactMap(DNSPattern.init)
    let cloud = flows(topology).filter { $0.row == .connectCloudHTTPS }
    #expect(cloud.map(\.target.host) == ["login.cloud.example", "a.cloud.example"])
    #expect(cloud.map(\.target.sample) == [nil, .name(of: "*.cloud.example")])
  }

  @Test func wholeNetworksAreLookedFor() {
    var topology = topology([.cloudExport])
    topology.cloud = [CloudService("tenant.example", addresses: networks("192.0.2.64", "192.0.2.128/25"))]
    let cloud = flows(topology).filter { $0.row == .connectCloudHTTPS }
    #expect(cloud.map(\.target.address) == ["192.0.2.64", ""])
    #expect(cloud.map(\.target.sample) == [nil, .networks(["192.0.2.128/25"])])
  }

  @Test func behindATranslationWhatIsSeenIsDialled() {
    var topology = topology([.directoryImport])
    topology.translations = [
      Translation(hosts: ["dc1.corp.example"], seenBy: ["connect"], seenAs: networks("198.51.100.10"))
    ]
    let ldap = flows(topology).filter { $0.row == .connectADLDAP && $0.transport == .tcp }
    #expect(ldap.map(\.target.address) == ["198.51.100.10", "192.0.2.11"])
  }

  /// Each flow quotes the rule that names its own target, however many the rule opens.
  @Test func rulesNameTheFlowsOwnTarget() {
    let kerberos = flows(topology([.directoryImport])).filter { $0.row == .connectADKerberos && $0.transport == .tcp }
    #expect(
      kerberos.map(\.rule)
        == ["dc1", "dc2"].map {
          "egress at sync1: tcp 88 to \($0).corp.example and 1 other, for connect-ad/kerberos (import)"
        })
  }

  @Test func aProxyIsDialledInTheCloudsPlace() {
    var topology = topology([.cloudExport])
    topology.outboundProxy = OutboundProxy("web-proxy", networks("192.0.2.80"), port: 3128)
    let target = flows(topology).first { $0.row == .connectCloudHTTPS }?.target
    #expect(target?.address == "192.0.2.80")
    #expect(target?.relay?.port == 3128)
    #expect(target?.serverName == "login.cloud.example" && target?.port == 443)
  }

  @Test func thisMachineIsTheOneWithItsAddress() {
    #expect(Set(flows(topology([.directoryImport]), local: "192.0.2.6").map(\.sourceHost)) == ["sync2"])
    #expect(Set(flows(topology([.directoryImport])).map(\.sourceHost)) == ["sync1"])
  }

  @Test func selectionsNarrow() {
    let one = flows(topology([.directoryImport]), .init(target: "DC2.corp.example"))
    #expect(Set(one.map(\.target.host)) == ["dc2.corp.example"])
    // A row is checked on request though no feature needs it.
    let row = flows(topology([.directoryImport]), .init(row: .connectADSMB))
    #expect(Set(row.map(\.row)) == [.connectADSMB])
    #expect(row.allSatisfy { !$0.isRequired })
    #expect(flows(topology([.directoryImport]), .init(source: .proxy)).isEmpty)
  }

  @Test func theFarmIsAskedByItsServiceName() {
    var topology = topology([.federationManagement, .certificateAuthentication])
    topology.federation = FederationFarm("fs.corp.example", [Host("fs1.corp.example", networks("192.0.2.21"))])
    topology.proxies = [Host("wap1.corp.example", networks("192.0.2.31"))]
    topology.users = [Host("office", networks("198.51.100.0/24"))]
    topology.policy = Policy()
    topology.policy?.certificateAuthentication = .name
    let https = flows(topology).filter { $0.row == .connectFederationHTTPS }
    #expect(https.map(\.target.serverName) == ["fs.corp.example", "fs.corp.example"])
    let winrm = flows(topology).filter { $0.row == .connectFederationWinRM }
    #expect(winrm.map(\.target.serverName) == ["fs1.corp.example", "wap1.corp.example"])
    let certificates = flows(topology, .init(source: .users)).filter { $0.row == .usersProxyCertificateAuthentication }
    #expect(certificates.map { "\($0.target.serverName):\($0.target.port)" } == ["certauth.fs.corp.example:443"])
  }
}
