// SPDX-License-Identifier: Apache-2.0

import PortReference
import Testing

/// The reference's tables typed a second time, independently of the product's data: table, protocol, printed ports,
/// printed transports (empty where the reference prints none).
private let printed: [(id: String, table: Int, name: String, ports: String, transports: Set<String>)] = [
  ("connect-ad/dns", 1, "DNS", "53", ["tcp", "udp"]),
  ("connect-ad/kerberos", 1, "Kerberos", "88", ["tcp", "udp"]),
  ("connect-ad/rpc-endpoint-mapper", 1, "MS-RPC", "135", ["tcp"]),
  ("connect-ad/ldap", 1, "LDAP", "389", ["tcp", "udp"]),
  ("connect-ad/smb", 1, "SMB", "445", ["tcp"]),
  ("connect-ad/ldaps", 1, "LDAP/SSL", "636", ["tcp", "udp"]),
  ("connect-ad/rpc-dynamic", 1, "RPC", "49152-65535", ["tcp"]),
  ("connect-ad/winrm", 1, "WinRM", "5985", ["tcp"]),
  ("connect-ad/ad-web-services", 1, "AD DS Web Services", "9389", ["tcp"]),
  ("connect-ad/global-catalog", 1, "Global Catalog", "3268", ["tcp"]),
  ("connect-cloud/http", 2, "HTTP", "80", ["tcp"]),
  ("connect-cloud/https", 2, "HTTPS", "443", ["tcp"]),
  ("connect-federation/http", 3, "HTTP", "80", ["tcp"]),
  ("connect-federation/https", 3, "HTTPS", "443", ["tcp"]),
  ("connect-federation/winrm", 3, "WinRM", "5985", []),
  ("proxy-federation/https", 4, "HTTPS", "443", ["tcp"]),
  ("users-proxy/https", 5, "HTTPS", "443", ["tcp"]),
  ("users-proxy/certificate-authentication", 5, "TCP", "49443", ["tcp"]),
]

@Suite struct ReferenceRowTests {
  @Test func rowsAreThoseOfTheReferenceInItsOrder() {
    #expect(ReferenceRow.all.map(\.id.rawValue) == printed.map(\.id))
    for (row, expected) in zip(ReferenceRow.all, printed) {
      #expect(row.table == expected.table, "\(row.id)")
      #expect(row.name == expected.name, "\(row.id)")
      #expect(row.ports.description == expected.ports, "\(row.id)")
      let transports = Set(row.transports.map(\.rawValue))
      if expected.transports.isEmpty {
        #expect(row.annotations.contains { $0.kind == .contradiction }, "\(row.id) is corrected without a word")
      } else {
        #expect(transports == expected.transports, "\(row.id)")
      }
    }
  }

  @Test func everyIdentifierHasItsRow() {
    #expect(Set(ReferenceRow.all.map(\.id)) == Set(RowID.allCases))
    for row in ReferenceRow.all {
      #expect(row.id.rawValue.hasPrefix("\(row.source.rawValue)-\(row.destination.rawValue)/"))
    }
  }

  @Test func endsFollowTheTables() {
    let ends: [Int: (Role, Role)] = [
      1: (.connect, .activeDirectory), 2: (.connect, .cloud), 3: (.connect, .federation), 4: (.proxy, .federation),
      5: (.users, .proxy),
    ]
    for row in ReferenceRow.all {
      #expect(row.source == ends[row.table]?.0)
      #expect(row.destination == ends[row.table]?.1)
    }
  }

  @Test func everyFeatureIsNeededByARowAndEveryRowByAFeature() {
    #expect(Set(ReferenceRow.all.flatMap(\.features)) == Set(Feature.allCases))
    #expect(ReferenceRow.all.allSatisfy { !$0.features.isEmpty })
  }

  @Test func annotationsAreNumberedWithoutGaps() {
    #expect(Annotation.all.map(\.number) == Array(1...14))
    #expect(Annotation.all.allSatisfy { !$0.rows.isEmpty && !$0.text.isEmpty })
  }

  @Test func portsContainTheirEnds() {
    let dynamic = Ports(49152...65535)
    #expect(dynamic.contains(49152) && dynamic.contains(65535) && !dynamic.contains(49151))
    #expect(Ports(53).contains(53) && !Ports(53).contains(54))
  }
}
