// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Readiness

/// What a check knows besides the topology: whom to ask for names, whom to trust, who signs in.
struct CheckOptions: ParsableArguments {
  @Option(
    name: [.customShort("c"), .long],
    help: ArgumentHelp(
      "A configuration: its DNS servers, trusted roots, revocation, and the sign-in of its forests.", valueName: "file")
  )
  var config: String?

  @Option(
    help: ArgumentHelp(
      "Sign in as this account, with --keytab or --password-file; without credentials no sign-in is tried.",
      valueName: "user@REALM"))
  var credentials: String?

  @Option(help: ArgumentHelp("The account's keytab.", valueName: "file"))
  var keytab: String?

  @Option(help: ArgumentHelp("A private file with the account's password.", valueName: "file"))
  var passwordFile: String?

  @Flag(help: "Sign in with the accounts that the configuration names for its forests.")
  var signIn = false

  @Option(
    help: ArgumentHelp(
      "Sign in to the topology's HTTP proxy as this user (Basic), with --proxy-password-file; default: its own account, "
        + "or the configuration's.", valueName: "user"))
  var proxyUser: String?

  @Option(help: ArgumentHelp("A private file with the proxy user's password.", valueName: "file"))
  var proxyPasswordFile: String?

  @Option(
    help: ArgumentHelp(
      "Of a whole network whose hosts the topology does not name, try so many addresses, 1 to 16, drawn by chance; "
        + "default: none.", valueName: "count"))
  var sample: Int?

  @Option(
    help: ArgumentHelp("Another draw of --sample; the same number draws the same addresses.", valueName: "number"))
  var sampleSeed: UInt64?

  @Option(
    help: ArgumentHelp(
      "A DNS server to ask for names (repeatable); default: the configuration's, the topology's "
        + "resolvers, or the machine's.", valueName: "address[:port]"))
  var dns: [String] = []

  @Option(help: ArgumentHelp("A PEM file of trusted roots (repeatable); default: the system's.", valueName: "file"))
  var root: [String] = []

  @Option(help: ArgumentHelp("How certificates are checked for revocation.", valueName: "require|prefer|off"))
  var revocation: String?

  @Option(
    help: ArgumentHelp(
      "The file with the code of the stand-ins ('ports listen') that may answer in a server's place; "
        + "default: the environment's \(StandInCode.variable).", valueName: "file"))
  var standInCodeFile: String?

  func validate() throws {
    if credentials != nil, (keytab == nil) == (passwordFile == nil) {
      throw ValidationError("--credentials needs one of --keytab and --password-file.")
    }
    if credentials == nil, keytab != nil || passwordFile != nil {
      throw ValidationError("--keytab and --password-file belong to --credentials user@REALM.")
    }
    if let credentials, credentials.split(separator: "@").count != 2 {
      throw ValidationError("--credentials takes user@REALM.")
    }
    if (proxyUser == nil) != (proxyPasswordFile == nil) {
      throw ValidationError("--proxy-user and --proxy-password-file belong together.")
    }
    if let sample, !AddressDraw.counts.contains(sample) {
      throw ValidationError("--sample takes \(AddressDraw.counts.lowerBound) to \(AddressDraw.counts.upperBound).")
    }
    if sample == nil, sampleSeed != nil { throw ValidationError("--sample-seed belongs to --sample.") }
    if signIn, config == nil { throw ValidationError("--sign-in uses the accounts of --config.") }
    if let revocation, !["require", "prefer", "off"].contains(revocation) {
      throw ValidationError("--revocation takes require, prefer or off.")
    }
  }
}
