// SPDX-License-Identifier: Apache-2.0

/// A running lab, as written to `lab.json`: everything a program needs to use it. Secrets are named by file.
package struct LabDescription: Codable, Sendable, Hashable {
  package struct Controller: Codable, Sendable, Hashable {
    /// Fully qualified, lower case.
    package var host: String
    package var netbios: String
    package var address: String
    package var site: String
    /// `dns`, `kerberos`, `rpc-endpoint-mapper`, `ldap`, `smb`, `kpasswd`, `ldaps`, `global-catalog`,
    /// `global-catalog-tls`.
    package var ports: [String: Int]
    /// Identifies this controller's database in watermarks (MS-ADTS 3.1.1.1.9); changes with each new lab.
    package var invocationID: String
  }

  package struct Account: Codable, Sendable, Hashable {
    package var principal: String
    package var passwordFile: String
    package var keytabFile: String?
  }

  /// A further server that has a name and a certificate in the lab, but is started by others.
  package struct Server: Codable, Sendable, Hashable {
    package var name: String
    package var address: String
    package var certificateChainFile: String
    package var privateKeyFile: String
  }

  package struct Forest: Codable, Sendable, Hashable {
    package var name: String
    package var netbios: String
    package var realm: String
    package var baseDN: String
    package var domainSID: String
    package var controllers: [Controller]
    package var dnsServers: [String]
    package var administrator: Account
    /// Has Replicating Directory Changes on the domain, nothing else.
    package var serviceAccount: Account
    /// Has no right beyond that of every user: for the fallback without DirSync.
    package var plainAccount: Account
    /// Has Replicating Directory Changes and Replicating Directory Changes All on the domain: for reading password hashes.
    package var passwordAccount: Account
    /// Has, on the synchronised units of people, the rights of password writeback: Reset Password, Write pwdLastSet and Write
    /// lockoutTime of users.
    package var writebackAccount: Account
    /// The password of every user of the population.
    package var userPasswordFile: String
    package var tenant: Server
    package var crlURL: String
    package var crlAddress: String
    package var verifiedSuffixes: [String]
    package var unverifiedSuffixes: [String]
    /// Units, as distinguished names, that a synchronisation is meant to read, and units that it is not.
    package var synchronisedUnits: [String]
    package var otherUnits: [String]
    /// What the population holds, by kind; the objects that every new domain has are not counted.
    package var counts: [String: Int]
  }

  package var directory: String
  package var options: LabOptions
  package var forests: [Forest]
  package var certificateAuthorityFile: String
  package var crlFile: String
  package var kerberosConfigurationFile: String
}
