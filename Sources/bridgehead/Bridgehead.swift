// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import Glibc
import Wire

/// Hybrid identity for Linux: one executable, a subcommand group for each role.
@main struct Bridgehead: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bridgehead",
    abstract: "Hybrid identity for Linux: from an Active Directory forest to a cloud directory.",
    discussion: """
      EXAMPLES
        bridgehead demo                     see everything work on this machine
        bridgehead config init              write a commented configuration
        bridgehead connect preview          show what a synchronisation would change

      EXIT CODES
        0   done
        1   failed; standard error says why and what to do
        2   a preview found differences, or a lint something to correct
        3   the guard stopped the export, or something stands before it
        4   done, with some objects in quarantine or left for the next run
        64  the command line is wrong
        78  the configuration is wrong
      """,
    version: "0.1.0",
    subcommands: [
      DemoCommand.self, ConnectCommand.self, TenantCommand.self, PortsCommand.self, LabCommand.self, ConfigCommand.self,
    ])

  static func main() async {
    // A peer that closes its connection must be an error of that connection, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    // GSSAPI makes a context of its own from the default profile; the machine's /etc/krb5.conf is none of our business.
    setenv("KRB5_CONFIG", "/dev/null", 1)
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let error as any DiagnosableError {
      Observability.report(error)
      Glibc.exit(status(of: error).rawValue)
    } catch {
      exit(withError: error)
    }
  }

  private static func status(of error: any DiagnosableError) -> ExitStatus {
    switch error {
    case is ConfigurationError, is SecretFileError: .configuration
    case let error as CommandError: error.status
    case let error as ConnectError where error.isGuarded: .guarded
    default: .failure
    }
  }
}
