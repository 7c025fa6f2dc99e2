// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Glibc
import Lab

struct LabCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab", abstract: "A real Active Directory forest on this machine, for evaluation and tests.",
    discussion: """
      The lab runs Samba domain controllers on loopback addresses (127.0.10.1 and following), with a certificate authority,
      a realistic population and a service account of least privilege. All its files are in one directory; the machine's
      own configuration is neither read nor changed. It needs root, or namespaces of its own:
        unshare -rn sh -c 'ip link set lo up; bridgehead lab up && bridgehead lab exec -- sh'

      EXAMPLES
        bridgehead lab up --users 1000
        bridgehead lab exec -- kinit -k -t lab/secrets/corp.example/svc-sync.keytab svc-sync
        bridgehead lab exec -- ldapsearch -Y GSSAPI -H ldap://dc1.corp.example -b DC=corp,DC=example '(objectClass=user)'
        bridgehead lab down --remove
      """,
    subcommands: [Up.self, Status.self, Exec.self, Down.self, ServeCRL.self, CA.self])

  /// The path of this very program, for the processes that a lab starts from it.
  static var ownExecutable: String? { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") }

  static func defaultCache(_ environment: [String: String]) -> String? {
    if let base = environment["XDG_CACHE_HOME"], base.hasPrefix("/") { return base + "/bridgehead/lab" }
    return environment["HOME"].map { $0 + "/.cache/bridgehead/lab" }
  }

  struct Location: ParsableArguments {
    @Option(help: ArgumentHelp("The lab's directory.", valueName: "directory"))
    var dir = "lab"

    var path: String { absolutePath(dir) }

    func environment(cache: String? = nil) -> LabEnvironment {
      LabEnvironment(
        directory: path, environment: Environment.current, executable: LabCommand.ownExecutable, cache: cache,
        now: { Date() })
    }
  }

  struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Bring a lab up and wait until every server of it answers.",
      discussion: """
        A lab that runs already with the same options is left as it is; one that was stopped starts again with its data.
        Loaded forests are kept in the cache, so that the next lab of the same options starts in seconds.

        EXAMPLES
          bridgehead lab up --users 10000 --groups 1000
          bridgehead lab up --forest corp.example --forest other.example --dcs 2 --json
        """)

    @OptionGroup var location: Location
    @OptionGroup var global: GlobalOptions

    @Option(help: ArgumentHelp("Users of each forest, besides a few that are not to be synchronised.", valueName: "n"))
    var users = 1000

    @Option(help: ArgumentHelp("Groups of each forest.", valueName: "n"))
    var groups = 100

    @Option(help: ArgumentHelp("A forest's DNS name; repeat it for several forests.", valueName: "name"))
    var forest: [String] = []

    @Option(help: ArgumentHelp("Domain controllers of each forest.", valueName: "n"))
    var dcs = 1

    @Option(help: ArgumentHelp("Equal seeds give equal populations.", valueName: "n"))
    var seed = 1

    @Flag(help: "Add attributes like Exchange's to the schema, and give them values.")
    var extendedSchema = false

    @Option(help: ArgumentHelp("The first forest lives in 127.0.N.0/24, the next in N+1.", valueName: "n"))
    var network = 10

    @Option(
      help: ArgumentHelp("Where loaded forests are kept (default: ~/.cache/bridgehead/lab).", valueName: "directory"))
    var cache: String?

    @Flag(help: "Neither use nor fill the cache.")
    var noCache = false

    @Flag(help: "Write the lab's description as JSON.")
    var json = false

    func run() async throws {
      let options = LabOptions(
        forests: forest.isEmpty ? ["corp.example"] : forest, domainControllers: dcs, users: users, groups: groups,
        seed: seed, extendedSchema: extendedSchema, firstNetwork: network)
      let environment = Environment.current
      let line = ProgressLine(Terminal(environment: environment), quiet: global.quiet)
      let lab = location.environment(
        cache: noCache ? nil : cache.map(absolutePath) ?? LabCommand.defaultCache(environment))
      let description = try await lab.up(options) { line.update($0.phase, $0.done, of: $0.total) }
      line.finish()
      if json { return try printJSON(description) }
      print("The lab in \(description.directory) is up.")
      for forest in description.forests {
        print("\n\(forest.name) (\(forest.netbios))")
        for controller in forest.controllers {
          print("  domain controller  \(controller.host) on \(controller.address)")
        }
        print(
          "  service account    \(forest.serviceAccount.principal), keytab \(forest.serviceAccount.keytabFile ?? "none")"
        )
        print(
          "  administrator      \(forest.administrator.principal), password in \(forest.administrator.passwordFile)")
        let counts = forest.counts.filter { ["user", "group", "contact", "computer"].contains($0.key) }
        print(
          "  holds              "
            + counts.sorted { $0.key > $1.key }.map { "\($0.value) \($0.key)s" }.joined(separator: ", "))
      }
      print("\ncertificate authority  \(description.certificateAuthorityFile)")
      print("description            \(location.path)/lab.json")
    }
  }

  struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say what runs of a lab.",
      discussion: """
        The exit code is 0 when every server of the lab runs, 1 otherwise.

        EXAMPLES
          bridgehead lab status
          bridgehead lab status --dir /var/tmp/lab --json
        """)

    @OptionGroup var location: Location

    @Flag(help: "Write JSON.")
    var json = false

    func run() throws {
      let status = location.environment().status()
      if json {
        try printJSON(status)
      } else if status.servers.isEmpty {
        print("There is no lab in \(status.directory).")
      } else {
        let rows = status.servers.map { [$0.name, $0.running ? "running" : "stopped", $0.pid.map(String.init) ?? "-"] }
        print(Table(header: ["SERVER", "STATE", "PID"], rows: rows).text())
      }
      if !status.running { throw ExitCode(ExitStatus.failure.rawValue) }
    }
  }

  struct Exec: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Run a command inside a lab: with its names, its Kerberos configuration and its certificate authority.",
      discussion: """
        The command sees the lab's hosts in /etc/hosts and its name servers in /etc/resolv.conf; the machine's own files stay
        as they are. It gets KRB5_CONFIG, KRB5CCNAME, LDAPTLS_CACERT, SSL_CERT_FILE and BRIDGEHEAD_LAB (the lab's description).

        EXAMPLES
          bridgehead lab exec -- dig SRV _ldap._tcp.dc._msdcs.corp.example
          bridgehead lab exec -- bridgehead connect sync --full
        """)

    @OptionGroup var location: Location

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments.")
    var command: [String]

    func run() throws {
      try location.environment().exec(command.first == "--" ? Array(command.dropFirst()) : command)
    }
  }

  struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Stop every server of a lab, and nothing else.",
      discussion: """
        EXAMPLES
          bridgehead lab down
          bridgehead lab down --dir /var/tmp/lab --remove
        """)

    @OptionGroup var location: Location

    @Flag(help: "Also delete the lab's directory.")
    var remove = false

    func run() async throws { try await location.environment().down(remove: remove) }
  }

  struct ServeCRL: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "serve-crl", abstract: "Publish a lab's revocation list on port 80 (started by lab up).",
      discussion: """
        EXAMPLE
          bridgehead lab serve-crl --dir /var/tmp/lab
        """,
      shouldDisplay: false)

    @OptionGroup var location: Location

    func run() async throws { try await LabCRLServer(directory: location.path).run() }
  }
}
