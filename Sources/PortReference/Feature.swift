// SPDX-License-Identifier: Apache-2.0

/// A capability of a hybrid identity that needs a flow. The raw value is what the command line takes.
package enum Feature: String, CaseIterable, Sendable, Codable {
  /// Reading users and groups from the forest.
  case directoryImport = "import"
  /// Reading the forest over TLS instead of Kerberos sign and seal.
  case directoryImportTLS = "import-tls"
  /// The first binding to a forest, which examines it and its rights.
  case initialConfiguration = "initial-configuration"
  case passwordHashSynchronisation = "password-hash-sync"
  case passwordWriteback = "password-writeback"
  case seamlessSSO = "seamless-sso"
  /// Installing AD FS with a group managed service account.
  case federationInstallation = "federation-installation"
  /// Writing to the cloud directory.
  case cloudExport = "export"
  /// Checking certificates against revocation lists.
  case revocationChecking = "revocation-checking"
  /// Managing and verifying the federation farm from the Connect server.
  case federationManagement = "federation-management"
  /// Signing users in through the farm.
  case federatedSignIn = "federated-sign-in"
  case deviceAuthentication = "device-authentication"
  case certificateAuthentication = "certificate-authentication"
}
