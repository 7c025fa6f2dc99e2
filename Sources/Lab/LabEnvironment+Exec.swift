// SPDX-License-Identifier: Apache-2.0

import Glibc

extension LabEnvironment {
  /// The variables that let third-party programs use the lab.
  package func clientEnvironment(_ description: LabDescription) -> [String: String] {
    var result = environment
    result["PATH"] = searchPath
    result["BRIDGEHEAD_LAB"] = directory.description
    result["KRB5_CONFIG"] = description.kerberosConfigurationFile
    result["KRB5CCNAME"] = "FILE:\(directory.path)/krb5cc"
    result["LDAPTLS_CACERT"] = description.certificateAuthorityFile
    result["SSL_CERT_FILE"] = description.certificateAuthorityFile
    return result
  }

  /// A command as it runs in the lab: with its variables, and with the lab's names in place of the machine's.
  package func command(_ arguments: [String]) throws(LabError) -> Command {
    let description = try description()
    guard let program = arguments.first else {
      throw LabError(.invalidOption, "There is no command to run.", remedy: "bridgehead lab exec -- ldapsearch …")
    }
    let environment = clientEnvironment(description)
    guard Spawn.find(program, path: searchPath) != nil else {
      throw LabError(.commandFailed, "There is no program \(program).", remedy: "Check its name and PATH.")
    }
    let names = NameSpace(hosts: directory.hosts, resolver: directory.resolver)
    return Command(names.entering(arguments), environment: environment)
  }

  /// Runs a command in the lab and collects what it prints.
  package func run(_ arguments: [String], input: [UInt8] = []) async throws -> Command.Result {
    try await command(arguments).run(input: input)
  }

  /// Becomes the command: it keeps the terminal, its signals and its status. Returns only by an error.
  package func exec(_ arguments: [String]) throws(LabError) -> Never {
    let command = try command(arguments)
    var argv = ([command.executable] + command.arguments).map { strdup($0) } + [nil]
    var envp = command.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    // Ignored signals stay ignored across execve: the command shall start as any other does.
    signal(SIGPIPE, SIG_DFL)
    execve(command.executable, &argv, &envp)
    throw LabError(
      .commandFailed, "\(command.executable) cannot be started: \(String(cString: strerror(errno))).",
      remedy: "Install util-linux.")
  }
}
