// SPDX-License-Identifier: Apache-2.0

extension ReferenceRow {
  /// The 18 rows in the order of the reference.
  package static let all: [ReferenceRow] = table1 + table2 + table3 + table4 + table5

  /// Table 1: Connect server and on-premises AD.
  private static let table1 = [
    connectToAD(
      .connectADDNS, "DNS", [.tcp, .udp], Ports(53),
      "Find the domain controllers, KDCs and global catalogs of the forest.",
      [.directoryImport]),
    connectToAD(
      .connectADKerberos, "Kerberos", [.tcp, .udp], Ports(88),
      "Authenticate Connect's service account to the forest.",
      [.directoryImport]),
    connectToAD(
      .connectADRPCEndpointMapper, "MS-RPC", [.tcp], Ports(135),
      "Ask where an RPC interface listens: when a forest is added, and at every password synchronisation.",
      [.initialConfiguration, .passwordHashSynchronisation]),
    connectToAD(
      .connectADLDAP, "LDAP", [.tcp, .udp], Ports(389),
      "Read the directory, signed and sealed by Kerberos; ping a domain controller before choosing it (UDP).",
      [.directoryImport]),
    connectToAD(
      .connectADSMB, "SMB", [.tcp], Ports(445),
      "Change passwords on write-back and create the Seamless SSO computer account, through SAMR on a named pipe.",
      [.passwordWriteback, .seamlessSSO]),
    connectToAD(
      .connectADLDAPS, "LDAP/SSL", [.tcp, .udp], Ports(636),
      "Read the directory over TLS, where TLS is chosen instead of Kerberos sign and seal.",
      [.directoryImportTLS]),
    connectToAD(
      .connectADRPCDynamic, "RPC", [.tcp], Ports(49152...65535),
      "Talk to the RPC interface that the endpoint mapper named: forest set-up and password synchronisation.",
      [.initialConfiguration, .passwordHashSynchronisation]),
    connectToAD(
      .connectADWinRM, "WinRM", [.tcp], Ports(5985),
      "Run remote PowerShell when AD FS is installed with a group managed service account.",
      [.federationInstallation]),
    connectToAD(
      .connectADWebServices, "AD DS Web Services", [.tcp], Ports(9389),
      "Create the group managed service account when AD FS is installed with one.",
      [.federationInstallation]),
    connectToAD(
      .connectADGlobalCatalog, "Global Catalog", [.tcp], Ports(3268),
      "Search the whole forest for an existing Seamless SSO account before creating one.",
      [.seamlessSSO]),
  ]

  /// Table 2: Connect server and cloud directory.
  private static let table2 = [
    ReferenceRow(
      id: .connectCloudHTTP, table: 2, source: .connect, destination: .cloud, name: "HTTP", transports: [.tcp],
      ports: Ports(80), purpose: "Download the revocation lists that the cloud's TLS certificates name.",
      features: [.revocationChecking]),
    ReferenceRow(
      id: .connectCloudHTTPS, table: 2, source: .connect, destination: .cloud, name: "HTTPS", transports: [.tcp],
      ports: Ports(443), purpose: "Read and write the cloud directory.", features: [.cloudExport]),
  ]

  /// Table 3: Connect server, federation servers and web application proxies.
  private static let table3 = [
    ReferenceRow(
      id: .connectFederationHTTP, table: 3, source: .connect, destination: .federation, name: "HTTP",
      transports: [.tcp], ports: Ports(80),
      purpose: "Download the revocation lists that the farm's TLS certificates name.",
      features: [.federationManagement, .revocationChecking]),
    ReferenceRow(
      id: .connectFederationHTTPS, table: 3, source: .connect, destination: .federation, name: "HTTPS",
      transports: [.tcp], ports: Ports(443), purpose: "Read the farm's metadata and verify that it signs users in.",
      features: [.federationManagement]),
    ReferenceRow(
      id: .connectFederationWinRM, table: 3, source: .connect, destination: .federation, name: "WinRM",
      transports: [.tcp], ports: Ports(5985), purpose: "Install and manage federation servers and proxies remotely.",
      features: [.federationManagement, .federationInstallation]),
  ]

  /// Table 4: web application proxy and federation servers.
  private static let table4 = [
    ReferenceRow(
      id: .proxyFederationHTTPS, table: 4, source: .proxy, destination: .federation, name: "HTTPS",
      transports: [.tcp], ports: Ports(443),
      purpose: "Establish the proxy's trust and forward sign-in requests to the farm.",
      features: [.federatedSignIn])
  ]

  /// Table 5: users and web application proxy.
  private static let table5 = [
    ReferenceRow(
      id: .usersProxyHTTPS, table: 5, source: .users, destination: .proxy, name: "HTTPS", transports: [.tcp],
      ports: Ports(443), purpose: "Sign in from outside; the device proves itself in the TLS handshake.",
      features: [.federatedSignIn, .deviceAuthentication]),
    ReferenceRow(
      id: .usersProxyCertificateAuthentication, table: 5, source: .users, destination: .proxy, name: "TCP",
      transports: [.tcp], ports: Ports(49443),
      purpose: "Sign in with a user certificate asked for in the TLS handshake.",
      features: [.certificateAuthentication]),
  ]

  private static func connectToAD(
    _ id: RowID, _ name: String, _ transports: [Transport], _ ports: Ports, _ purpose: String, _ features: [Feature]
  ) -> ReferenceRow {
    ReferenceRow(
      id: id, table: 1, source: .connect, destination: .activeDirectory, name: name, transports: transports,
      ports: ports, purpose: purpose, features: features)
  }
}
