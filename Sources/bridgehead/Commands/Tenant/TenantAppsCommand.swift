// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Tenant
import WebIdentity

/// What a list of applications shows of each.
private struct ApplicationReport: Encodable {
  let id, name, kind: String
  let redirectURIs, postLogoutRedirectURIs, grants: [String]
  let created: Date

  init(_ application: Application) {
    id = application.id
    name = application.name
    kind = application.kind.rawValue
    redirectURIs = application.redirects.map(\.text)
    postLogoutRedirectURIs = application.logouts.map(\.text)
    grants = application.grants.map(\.rawValue).sorted()
    created = application.created
  }
}

struct TenantApps: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apps", abstract: "The applications that people may sign in to.",
    subcommands: [Create.self, AddCertificate.self, List.self, Show.self, Remove.self])

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Register an application. Its secret is shown or written once; the tenant keeps only a hash.",
      discussion: """
        Redirect URIs are compared character by character; only the port of http://localhost, http://127.0.0.1 and
        http://[::1] may differ. With a redirect URI and no --grant, the application gets authorization_code and
        refresh_token.

        EXAMPLES
          bridgehead tenant apps create --name Wiki --redirect-uri https://wiki.corp.example/callback --output wiki.secret
          bridgehead tenant apps create --name Tool --public --redirect-uri http://localhost --grant authorization_code \\
            --grant refresh_token --grant device_code
          bridgehead tenant apps create --name Nightly --grant client_credentials --output nightly.secret
          bridgehead tenant apps create --name Connect --grant client_credentials --certificate connect.pem
        """)

    @OptionGroup var configurationFile: ConfigurationOption

    @Option(help: "What people see when they sign in.")
    var name: String

    @Flag(name: .customLong("public"), help: "The application cannot keep a secret; it must use PKCE.")
    var isPublic = false

    @Option(help: ArgumentHelp("Where answers may be sent; repeat it for several.", valueName: "uri"))
    var redirectUri: [String] = []

    @Option(help: ArgumentHelp("Where people may go after signing out; repeat it for several.", valueName: "uri"))
    var postLogoutRedirectUri: [String] = []

    @Option(
      help:
        "What it may use: authorization_code, refresh_token, device_code, client_credentials or windows_transport; repeat it for several."
    )
    var grant: [Application.Grant] = []

    @Option(
      help: ArgumentHelp(
        "The certificate, PEM, with whose key the application proves who it is; it then gets no secret.",
        valueName: "file"))
    var certificate: String?

    @Option(help: ArgumentHelp("Write the secret to this new file, readable by you alone.", valueName: "file"))
    var output: String?

    @Flag(help: "Write JSON.")
    var json = false

    private struct Report: Encodable {
      let clientId: String
      let clientSecret: String?
    }

    fileprivate static func read(_ path: String) throws -> ClientCertificate {
      do { return try ClientCertificate(pem: try String(contentsOf: URL(filePath: path), encoding: .utf8)) } catch let
        error as ClientCertificateError
      {
        throw error
      } catch {
        throw CommandError(
          "file.read", "\(path) cannot be read.", remedy: "name the certificate's file, in PEM format.")
      }
    }

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      let directory = try await access.directory()
      let redirects = try redirectUri.map { try RedirectURI($0) }
      let grants = grant.isEmpty && !redirects.isEmpty ? [.authorizationCode, .refreshToken] : grant
      // The file first: a secret that nobody can read must not exist.
      let certificate = try self.certificate.map { try Self.read($0) }
      let file = isPublic || certificate != nil ? nil : try output.map(PrivateFile.init)
      let (application, secret) = try await directory.createApplication(
        name: name, kind: isPublic ? .publicClient : .confidential, redirects: redirects,
        logouts: try postLogoutRedirectUri.map { try RedirectURI($0) }, grants: Set(grants),
        hasSecret: certificate == nil, by: access.actor)
      if let certificate { try await directory.addCertificate(certificate, to: application.id, by: access.actor) }
      if let file, let secret { try file.write(secret + "\n") }
      let shown = file == nil ? secret : nil
      if json { return try printJSON(Report(clientId: application.id, clientSecret: shown)) }
      print("client id: \(application.id)")
      if let shown {
        print("client secret: \(shown)")
        printError("the secret is not shown again")
      }
    }
  }

  /// Registers a further certificate, so that one can be renewed without an interruption.
  struct AddCertificate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Register a further certificate of an application.",
      discussion:
        "EXAMPLE\n  bridgehead tenant apps add-certificate 2819c223-7f76-453a-919d-413861904646 renewed.pem")

    @OptionGroup var configurationFile: ConfigurationOption

    @Argument(help: "Its client id.")
    var id: String

    @Argument(help: ArgumentHelp("The certificate, PEM.", valueName: "file"))
    var certificate: String

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      let certificate = try Create.read(self.certificate)
      try await access.directory().addCertificate(certificate, to: id, by: access.actor)
      print("registered \(certificate.subject) until \(certificate.expires.formatted(.iso8601))")
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the applications.", discussion: "EXAMPLE\n  bridgehead tenant apps list --json")

    @OptionGroup var configurationFile: ConfigurationOption

    @Flag(help: "Write JSON.")
    var json = false

    func run() async throws {
      let reports = try await TenantAccess(configurationFile).directory().applications().map(ApplicationReport.init)
      if json { return try printJSON(reports) }
      print(
        Table(
          header: ["CLIENT ID", "NAME", "KIND", "GRANTS"],
          rows: reports.map { [$0.id, $0.name, $0.kind, $0.grants.joined(separator: " ")] }
        ).text())
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show an application as JSON, without its secret.",
      discussion: "EXAMPLE\n  bridgehead tenant apps show 2819c223-7f76-453a-919d-413861904646")

    @OptionGroup var configurationFile: ConfigurationOption

    @Argument(help: "Its client id.")
    var id: String

    func run() async throws {
      guard let application = try await TenantAccess(configurationFile).directory().application(id) else {
        throw CommandError(
          "tenant.unknownApplication", "There is no application \(id).", remedy: "'tenant apps list' shows them.")
      }
      try printJSON(ApplicationReport(application))
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove an application; everything that it got from people ends.",
      discussion: "EXAMPLE\n  bridgehead tenant apps remove 2819c223-7f76-453a-919d-413861904646")

    @OptionGroup var configurationFile: ConfigurationOption

    @Argument(help: "Its client id.")
    var id: String

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      try await access.directory().removeApplication(id, by: access.actor)
      print("removed \(id)")
    }
  }
}

extension Application.Grant: ExpressibleByArgument {}
