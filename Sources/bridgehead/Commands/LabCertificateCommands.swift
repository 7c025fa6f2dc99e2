// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Glibc
import Lab

extension LabCommand {
  struct CA: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Issue and revoke certificates of a lab's authority, for tests.", shouldDisplay: false,
      subcommands: [Issue.self, Revoke.self])

    struct Issue: ParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Issue a server certificate.",
        discussion: """
          EXAMPLE
            bridgehead lab ca issue --name www.corp.example --crl http://127.0.10.80/lab.crl --out www
          """)

      @OptionGroup var location: Location

      @Option(help: ArgumentHelp("A DNS name; repeat it for several.", valueName: "name"))
      var name: [String]

      @Flag(help: "The certificate expired yesterday.")
      var expired = false

      @Flag(help: "The certificate comes from an authority that nobody knows.")
      var unknownIssuer = false

      @Option(
        help: ArgumentHelp("Where the certificate says that revocation lists are; none by default.", valueName: "url"))
      var crl: [String] = []

      @Option(help: ArgumentHelp("Base of the files' names: NAME.pem and NAME.key.", valueName: "path"))
      var out: String

      func run() throws {
        let now = Date()
        let day: TimeInterval = 86400
        let authority = try location.environment().authority()
        let certificate = try authority.issue(
          ServerCertificateRequest(
            names: name, notBefore: now - (expired ? 30 : 1) * day, notAfter: now + (expired ? -1 : 365) * day,
            issuer: unknownIssuer ? .unknown : .lab, crlURLs: crl))
        let path = absolutePath(out)
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let files = try certificate.write(
          name: String(path[path.index(after: slash)...]),
          directory: slash == path.startIndex ? "/" : String(path[..<slash]))
        print("\(files.chain)\n\(files.key)")
      }
    }

    struct Revoke: ParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Revoke a certificate and publish the list anew.",
        discussion: """
          EXAMPLE
            bridgehead lab ca revoke www.pem
          """)

      @OptionGroup var location: Location

      @Argument(help: "A PEM file whose first certificate is revoked.")
      var certificate: String

      func run() throws {
        try location.environment().authority().revoke(certificateFile: absolutePath(certificate), now: Date())
      }
    }
  }
}
