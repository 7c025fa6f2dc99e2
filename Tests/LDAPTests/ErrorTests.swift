// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LDAP

@Suite struct ErrorTests {
  @Test(arguments: [
    ("525", LDAPError.Code.unknownUser), ("52e", .invalidCredentials), ("530", .logonRestricted),
    ("532", .passwordExpired), ("533", .accountDisabled), ("701", .accountExpired), ("773", .passwordMustChange),
    ("775", .accountLocked), ("999", .invalidCredentials),
  ])
  func activeDirectoryTellsWhyASignInFailed(data: String, code: LDAPError.Code) {
    let text = "80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data \(data), v3839"
    let error = LDAPError(
      LDAPResult(.invalidCredentials, diagnosticMessage: text), action: "Signing in", server: "dc1:389")
    #expect(error.code == code)
    #expect(error.message.contains("dc1:389") && error.message.contains("(49)"))
    #expect(!error.remedy.isEmpty)
  }

  @Test(arguments: [
    (ResultCode.strongerAuthRequired, LDAPError.Code.strongerAuthRequired),
    (.confidentialityRequired, .strongerAuthRequired),
    (.insufficientAccessRights, .insufficientAccessRights), (.sizeLimitExceeded, .incomplete),
    (.timeLimitExceeded, .incomplete), (.adminLimitExceeded, .incomplete), (.referral, .incomplete), (.busy, .busy),
    (.unavailable, .unavailable), (.unavailableCriticalExtension, .criticalExtension), (.noSuchObject, .noSuchObject),
    (ResultCode(rawValue: 4096), .refused),
  ])
  func resultCodes(result: ResultCode, code: LDAPError.Code) {
    let error = LDAPError(LDAPResult(result), action: "Reading", server: "dc1")
    #expect(error.code == code && error.identifier == "ldap.\(code.rawValue)")
    #expect(!error.remedy.isEmpty && error.result?.code == result)
  }

  @Test func aServersTextIsTamed() {
    let text = "\u{1B}[31mred\n" + String(repeating: "x", count: 100_000)
    let error = LDAPError(LDAPResult(.other, diagnosticMessage: text), action: "Reading", server: "dc1")
    #expect(!error.message.contains("\u{1B}") && !error.message.contains("\n"))
    #expect(error.message.count < 1000)
  }
}
