// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing
import Wire

@testable import Kerberos

@Suite struct KerberosFailureTests {
  private let client = "svc@CORP.EXAMPLE"

  private func error(
    _ code: Int32, status: UInt32? = nil, service: String? = nil, keytab: Bool = false
  ) throws -> SecurityError {
    let message = try KerberosErrorMessage(Messages.error(code, data: status.map(Messages.errorData)))
    return KerberosFailure(
      request: service.map { .serviceTicket(client: client, service: $0) }
        ?? .initialTicket(client: client, fromKeytab: keytab),
      realm: "CORP.EXAMPLE", failure: LibraryFailure(code: -1_765_328_384 + code, text: "libkrb5's words"),
      refusal: (
        message, "127.0.0.10:88",
        ClockSkew(serverTime: message.serverTime, now: Date(timeIntervalSince1970: 1_699_999_397.5))
      )
    ).securityError
  }

  @Test(
    arguments: [
      (6, nil, .unknownPrincipal), (24, nil, .wrongPassword), (31, nil, .wrongPassword), (23, nil, .passwordExpired),
      (18, 0xc000_0234, .accountLocked), (18, 0xc000_0072, .accountDisabled), (18, 0xc000_0193, .accountExpired),
      (18, nil, .accountDisabled), (1, nil, .accountExpired), (14, nil, .unsupportedEncryption), (37, nil, .clockSkew),
      (68, nil, .unknownPrincipal), (60, nil, .refusedByKDC), (12, nil, .refusedByKDC),
    ] as [(Int32, UInt32?, SecurityErrorCode)])
  func namesRefusalsOfInitialTickets(_ code: Int32, _ status: UInt32?, _ expected: SecurityErrorCode) throws {
    let error = try error(code, status: status)
    #expect(error.code == expected)
    #expect(error.message.contains("127.0.0.10:88") || expected == .unsupportedEncryption)
    #expect(!error.remedy.isEmpty)
  }

  @Test(
    arguments: [
      (7, .unknownService), (8, .unknownService), (14, .unsupportedEncryption), (31, .ticketExpired),
      (32, .ticketExpired),
    ] as [(Int32, SecurityErrorCode)])
  func namesRefusalsOfServiceTickets(_ code: Int32, _ expected: SecurityErrorCode) throws {
    let error = try error(code, service: "ldap/dc1.corp.example@CORP.EXAMPLE")
    #expect(error.code == expected)
  }

  @Test func saysTheSizeOfTheSkew() throws {
    #expect(try error(37).message.contains("10 min 3 s behind"))
  }

  @Test func tellsAKeytabFromAPassword() throws {
    #expect(try error(24).message.contains("password"))
    #expect(try error(24, keytab: true).message.contains("keytab"))
  }

  @Test func keepsWhatItDoesNotKnow() throws {
    let error = try error(60, status: 0xc000_0001)
    #expect(error.message.contains("error 60"))
    #expect(error.message.contains("0xc0000001"))
  }
}
