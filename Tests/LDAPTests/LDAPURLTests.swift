// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LDAP

/// RFC 4516: the examples of its section 4, and what certificates hold.
@Suite struct LDAPURLTests {
  @Test func aLocationOfActiveDirectoryCertificateServices() throws {
    let url = try LDAPURL(
      "ldap:///CN=Lab%20CA,CN=dc1,CN=CDP,CN=Public%20Key%20Services,CN=Services,CN=Configuration,DC=corp,DC=example"
        + "?certificateRevocationList?base?objectClass=cRLDistributionPoint")
    #expect(url.host == nil && url.port == nil)
    #expect(
      url.dn == "CN=Lab CA,CN=dc1,CN=CDP,CN=Public Key Services,CN=Services,CN=Configuration,DC=corp,DC=example")
    #expect(url.attributes == ["certificateRevocationList"])
    #expect(url.scope == .base)
    #expect(url.filter == (try Filter("(objectClass=cRLDistributionPoint)")))
  }

  @Test func theExamplesOfTheStandard() throws {
    #expect(try LDAPURL("ldap://ldap1.example.net").dn == "")
    #expect(try LDAPURL("LDAP://LDAP1.example.net/").host == "ldap1.example.net")
    let search = try LDAPURL("ldap://ldap1.example.net:6666/o=University%20of%20Michigan,c=US??sub?(cn=Babs%20Jensen)")
    #expect(search.port == 6666 && search.attributes.isEmpty && search.scope == .subtree)
    #expect(search.filter == (try Filter("(cn=Babs Jensen)")))
    #expect(try LDAPURL("ldap://ldap2.example.com/c=GB?objectClass?ONE").scope == .oneLevel)
    #expect(
      try LDAPURL("ldap://ldap3.example.com/o=Babsco,c=US???(four-octet=%5c00%5c00%5c00%5c04)").dn == "o=Babsco,c=US")
    #expect(try LDAPURL("ldap:///o=An%20Example%5C2C%20Inc.,c=US").dn == "o=An Example\\2C Inc.,c=US")
    #expect(try LDAPURL("ldap://ldap.example.net/??sub??e-bindname=cn=Manager%2cdc=example%2cdc=com").scope == .subtree)
    #expect(try LDAPURL("ldap://[2001:db8::1]:390/dc=x").host == "2001:db8::1")
  }

  @Test(arguments: [
    "", "http://a/b", "ldap:/x", "ldap:///dc=%4", "ldap:///dc=%zz", "ldap:///dc=%ff", "ldap:///dc=x??tree",
    "ldap:///dc=x???(cn=", "ldap://a:0/dc=x", "ldap://a:99999/dc=x", "ldap://a:b/dc=x", "ldap://:389/dc=x",
    "ldap://[::1/dc=x", "ldap:///??sub??!e-bindname=cn=Manager", "ldap:///" + String(repeating: "x", count: 9000),
  ])
  func malformed(_ text: String) {
    #expect(throws: LDAPURLSyntaxError.self) { try LDAPURL(text) }
  }
}
