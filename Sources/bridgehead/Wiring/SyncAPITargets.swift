// SPDX-License-Identifier: Apache-2.0

import Connect
import FoundationEssentials
import Glibc
import HTTP
import Logging
import NIOCore
import SyncAPI
import Tenant
import WebIdentity
import Wire

/// Clients of the Sync API, made from the configuration.
extension SyncAPIClient {
  convenience init(_ target: Configuration.Target, _ cloud: Cloud, _ environment: [String: String]) throws {
    var configuration = SyncAPIClientConfiguration(url: try HTTPURL(target.url))
    if let timeout = target.requestTimeout.flatMap({ Duration(parsing: $0) }) {
      configuration.deadline = .seconds(timeout.components.seconds)
    }
    self.init(
      configuration, http: cloud.http, tokens: try target.syncTokens(cloud),
      logger: Logger(label: "bridgehead.syncapi"),
      now: { Date.now }, random: SystemRandom.bytes)
  }
}

extension Configuration.Target {
  var isSyncAPI: Bool { kind == "sync-api" }

  /// How the target's application signs in.
  func requireSignIn() throws -> Configuration.SignIn {
    guard let signIn else {
      throw CommandError(
        "configuration.signIn", "The target \(key) has no signIn.", remedy: "say how Connect signs in to it.",
        status: .configuration)
    }
    return signIn
  }

  func tokenEndpoint(_ cloud: Cloud) throws -> TokenEndpoint {
    TokenEndpoint(authority: try HTTPURL(try requireSignIn().authority), http: cloud.http)
  }

  fileprivate func syncTokens(_ cloud: Cloud) throws -> SyncTokens {
    let signIn = try requireSignIn()
    let endpoint = try tokenEndpoint(cloud)
    if let path = signIn.refreshToken {
      return SyncTokens.refreshing(
        endpoint, client: signIn.clientID, scope: signIn.effectiveScope, store: RefreshTokenFile(path: path),
        now: { Date.now })
    }
    let identity = { @Sendable in try signIn.identity() }
    // Read now, so that a wrong file is told before anything is done, and again for each token: it may be renewed.
    _ = try identity()
    return SyncTokens.clientCredentials(
      endpoint, client: signIn.clientID, scope: signIn.effectiveScope, identity: identity, now: { Date.now },
      random: SystemRandom.bytes)
  }
}

extension Configuration.SignIn {
  var effectiveScope: String { scope ?? "\(SyncEndpoint.resource)/.default" }

  /// The certificate and the key of the application.
  ///
  /// - Throws: `ClientCertificateError`, `SecretFileError`, ``CommandError``.
  fileprivate func identity() throws -> (certificate: ClientCertificate, key: TokenSigningKey) {
    guard let certificate, let key else {
      throw CommandError(
        "configuration.signIn", "signIn has neither a certificate with its key nor a refreshToken.",
        remedy: "give one of the two.", status: .configuration)
    }
    let text: String
    do { text = try String(contentsOf: URL(filePath: certificate), encoding: .utf8) } catch {
      throw CommandError(
        "configuration.certificate", "The certificate \(certificate) cannot be read.",
        remedy: "check the path and its permissions.", status: .configuration)
    }
    let (parsed, signing) = (try ClientCertificate(pem: text), try TokenSigningKey(pem: try SecretFile.read(key)))
    guard signing.publicKey == parsed.publicKey else {
      throw CommandError(
        "configuration.key", "The key \(key) is not that of the certificate \(certificate).",
        remedy: "give the key that the certificate was made for.", status: .configuration)
    }
    return (parsed, signing)
  }
}

/// A refresh token in a file that its owner alone can read. A new one takes its place whole, or not at all.
struct RefreshTokenFile: RefreshTokenStore {
  let path: String

  func load() throws -> SecretBytes {
    guard FileManager.default.fileExists(atPath: path) else {
      throw CommandError(
        "signIn.refreshToken", "Nobody has signed in yet: there is no \(path).",
        remedy: "run 'bridgehead connect sign-in'.", status: .configuration)
    }
    return try SecretFile.read(path)
  }

  func save(_ token: SecretBytes) throws {
    let new = "\(path).new"
    // What a crash left behind.
    try? FileManager.default.removeItem(atPath: new)
    try PrivateFile(new).write(token.withBytes { String(decoding: $0, as: UTF8.self) } + "\n")
    guard rename(new, path) == 0 else {
      throw CommandError(
        "file.rename", "\(path) cannot be replaced: \(String(cString: strerror(errno))).",
        remedy: "let this user write the folder.")
    }
  }
}
