// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// One set of flags for every target of the project, in every configuration.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

// External products, named once.
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let hummingbirdHTTP2 = Target.Dependency.product(name: "HummingbirdHTTP2", package: "hummingbird")

func library(
  _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
  .target(
    name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource]? = nil
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, exclude: exclude, resources: resources, swiftSettings: settings)
}

let package = Package(
  name: "bridgehead",
  products: [.executable(name: "bridgehead", targets: ["bridgehead"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.4"),
    .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
    .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
    .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
  ],
  targets: [
    // The ground: imports no target.
    library("PortReference"),
    library("IdentityModel"),
    library("Wire"),

    // C libraries.
    .systemLibrary(name: "CKerberos", path: "Sources/CKerberos", providers: [.apt(["libkrb5-dev"])]),
    .systemLibrary(
      name: "CARES", path: "Sources/CARES", pkgConfig: "libcares",
      providers: [.apt(["libc-ares-dev"])]),
    .systemLibrary(name: "CProcess", path: "Sources/CProcess"),
    .systemLibrary(
      name: "CXML2", path: "Sources/CXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
    .systemLibrary(name: "CNettle", path: "Sources/CNettle", providers: [.apt(["nettle-dev"])]),

    // Protocols: they meet only in Wire/Security and Wire/Transport.
    library("TCP", ["Wire", nioCore, nioPosix]),
    library("Kerberos", ["Wire", "CKerberos", logging]),
    library("LDAP", ["Wire", "TCP", "CertificateTrust", nioCore, nioPosix, logging]),
    library("DirectoryLocator", ["Wire", "LDAP", "CARES", nioCore, nioPosix, logging]),
    library("RPC", ["Wire", "TCP", "CNettle", crypto, cryptoExtras, nioCore]),
    library("SMB", ["Wire", "TCP", "CNettle", crypto, cryptoExtras, nioCore, nioPosix, logging]),
    library(
      "CertificateTrust",
      ["Wire", x509, asn1, crypto, cryptoExtras, nioCore, nioTLS, nioSSL, logging]),
    library("HTTP", ["Wire", "TCP", "CertificateTrust", nioCore, nioPosix, nioHTTP1, logging]),
    library("SCIM", ["IdentityModel", "Wire", "HTTP", nioCore, logging]),
    library("XML", ["Wire", "CXML2"]),
    library("WSManagement", ["Wire", "HTTP", "XML", nioCore]),
    library("WCF", ["Wire"]),
    library("Store", ["Wire", grdb, sqlite]),
    library("PasswordWriteback", ["Wire", crypto]),
    library("PasswordHash", ["Wire", "CNettle", crypto, cryptoExtras]),
    library("WebIdentity", ["Wire", "XML", crypto, cryptoExtras, x509, asn1]),
    library("SyncAPI", ["IdentityModel", "Wire", "HTTP", "WCF", "XML", "WebIdentity", nioCore, logging]),
    library("WebPages"),

    // The rules of synchronisation, free of any engine.
    library("SynchronisationRules", ["IdentityModel", "Wire", yams]),

    // Roles: they import protocols, the model and Store, never another role.
    library(
      "Connect",
      [
        "IdentityModel", "Wire", "Kerberos", "LDAP", "DirectoryLocator", "RPC", "SMB", "PasswordHash",
        "PasswordWriteback", "SCIM", "SyncAPI", "Store",
        "SynchronisationRules", crypto, logging, metrics,
      ]),
    library(
      "Tenant",
      [
        "IdentityModel", "Wire", "TCP", "CertificateTrust", "Kerberos", "SCIM", "SyncAPI", "Store", "PasswordHash",
        "PasswordWriteback", "WebIdentity", "WebPages",
        hummingbird,
        hummingbirdTLS, hummingbirdHTTP2, nioCore, nioPosix, nioSSL, crypto, logging, metrics, lifecycle, nioTLS,
      ]),
    library(
      "Readiness",
      [
        "PortReference", "Wire", "Store", "WebPages",
        "TCP",
        "CertificateTrust",
        "DirectoryLocator",
        "Kerberos",
        "LDAP",
        "RPC",
        "SMB",
        "HTTP",
        "XML",
        "WSManagement",
        "WCF",
        nioCore, nioPosix, x509, crypto, logging, metrics, lifecycle, hummingbird,
      ]),
    library(
      "Lab",
      ["Wire", x509, asn1, crypto, nioCore, nioPosix, nioHTTP1],
      resources: [.embedInCode("Scripts")]),

    // The composition root.
    .executableTarget(
      name: "bridgehead",
      dependencies: [
        "PortReference", "IdentityModel", "Wire", "TCP", "Kerberos", "LDAP", "DirectoryLocator", "RPC", "SMB",
        "CProcess",
        "CertificateTrust", "HTTP", "SCIM", "Store", "SynchronisationRules", "Connect", "Tenant", "Readiness", "Lab",
        "WebIdentity", "SyncAPI", "PasswordWriteback",
        yams, arguments,
        logging, metrics, lifecycle, hummingbird, nioCore, nioPosix,
      ],
      swiftSettings: settings),

    // Measures the import against a running lab; no product links it.
    .executableTarget(
      name: "ImportBenchmark",
      dependencies: [
        "IdentityModel", "Wire", "Kerberos", "LDAP", "RPC", "DirectoryLocator", "CertificateTrust", "Store",
        "PasswordHash", "Connect", logging, nioPosix,
      ],
      path: "Benchmarks/ImportBenchmark", swiftSettings: settings),

    // Tests.
    // Seeded mutations, recorded flows and clocks for every test target; no product links it.
    .target(
      name: "TestSupport", dependencies: ["Wire", logging], path: "Tests/TestSupport", swiftSettings: settings),
    tests("PortReferenceTests", ["PortReference"]),
    tests("WireTests", ["Wire"]),
    tests("KerberosTests", ["TestSupport", "Kerberos", "Wire", logging]),
    tests(
      "LDAPTests",
      ["TestSupport", "LDAP", "Wire", "CertificateTrust", nioCore, nioPosix, nioEmbedded, logging]),
    tests("RPCTests", ["TestSupport", "RPC", "Wire", "CNettle", crypto, nioCore, nioPosix]),
    tests("DirectoryLocatorTests", ["TestSupport", "DirectoryLocator", "LDAP", "Wire", nioCore, nioPosix, logging]),
    // Authorities, revocation lists and scripted servers that several test targets need; no product links it.
    .target(
      name: "TrustTestSupport",
      dependencies: [x509, asn1, crypto, cryptoExtras, nioCore, nioPosix, nioSSL],
      path: "Tests/TrustTestSupport", swiftSettings: settings),
    tests(
      "CertificateTrustTests",
      [
        "TestSupport", "CertificateTrust", "TrustTestSupport", "Wire", x509, asn1, crypto, cryptoExtras, nioCore,
        nioPosix, nioSSL, logging,
      ]),
    tests(
      "HTTPTests",
      [
        "TestSupport", "HTTP", "CertificateTrust", "TrustTestSupport", "Wire", x509, nioCore, nioPosix, nioSSL,
      ]),
    tests("TCPTests", ["TestSupport", "TCP", nioCore, nioPosix]),
    tests("SMBTests", ["TestSupport", "SMB", "Wire", crypto, nioCore, nioPosix, logging]),
    tests("XMLTests", ["XML"]),
    tests("WSManagementTests", ["WSManagement"]),
    tests("WCFTests", ["TestSupport", "WCF", "Wire"]),
    tests(
      "SyncAPITests",
      [
        "TestSupport", "SyncAPI", "WCF", "HTTP", "IdentityModel", "Wire", nioCore, nioPosix, nioHTTP1,
        logging,
      ]),
    tests("SCIMTests", ["TestSupport", "SCIM", "HTTP", "Wire", nioCore, nioPosix, logging]),
    tests("StoreTests", ["Store", "Wire"]),
    tests("SynchronisationRulesTests", ["TestSupport", "SynchronisationRules", "IdentityModel", "Wire"]),
    tests(
      "ConnectTests",
      [
        "TestSupport", "Connect", "IdentityModel", "PasswordWriteback", "RPC", "SCIM", "SyncAPI", "LDAP", "Store",
        "SynchronisationRules", "Wire", logging,
      ]),
    tests(
      "TenantTests",
      [
        "TestSupport", "Tenant", "SCIM", "SyncAPI", "IdentityModel", "Store", "Wire", "PasswordHash",
        "PasswordWriteback",
        "WebIdentity", nioCore, nioPosix, nioSSL, x509, asn1, crypto, logging, lifecycle, "Kerberos",
      ]),
    tests("PasswordWritebackTests", ["PasswordWriteback", "Wire"]),
    tests("PasswordHashTests", ["PasswordHash", "Wire"]),
    tests("WebIdentityTests", ["WebIdentity", "Wire", "XML", crypto, cryptoExtras]),
    tests("WebPagesTests", ["WebPages"]),
    tests(
      "ReadinessTests",
      [
        "TestSupport", "Readiness", "PortReference", "Wire", "Store", "WebPages",
        "DirectoryLocator",
        "HTTP",
        "Kerberos",
        "LDAP",
        "SMB",
        logging, nioCore, nioPosix, yams,
      ], exclude: ["Golden", "Topologies"]),
    tests("LabTests", ["TestSupport", "Lab", "Wire"]),
    tests(
      "IntegrationTests",
      [
        "TestSupport", "Kerberos", "LDAP", "DirectoryLocator", "CertificateTrust", "HTTP", "SCIM", "Store",
        "Connect", "PasswordHash", "RPC", "SMB", "Readiness", "PortReference", "Wire", crypto, nioCore, nioPosix,
        logging, "IdentityModel",
      ]),
  ]
)
