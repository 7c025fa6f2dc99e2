// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import Glibc

/// A lab in a directory: real Samba forests on loopback addresses, with certificates, people and a service account.
///
/// Nothing of the machine's own configuration is read or written; everything lies in the directory and the cache.
package struct LabEnvironment: Sendable {
  let directory: LabDirectory
  let environment: [String: String]
  /// The `bridgehead` executable, which also is the server of the revocation list.
  let executable: String?
  /// Where loaded trees are kept for the next lab of the same options; nil keeps none.
  let cache: String?
  let now: @Sendable () -> Date

  static let serviceAccount = "svc-sync"
  static let plainAccount = "svc-plain"
  static let passwordAccount = "svc-passwords"
  static let writebackAccount = "svc-writeback"
  static let crlProcess = "crl"
  /// Debian keeps samba in sbin, which is not on everybody's path.
  static let systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  /// - Parameters:
  ///   - directory: absolute path; made where it does not exist.
  ///   - environment: the caller's, as a start for what programs of the lab get.
  ///   - executable: absolute path of `bridgehead`; without it the revocation list is signed, but not served.
  ///   - cache: absolute path, nil for none.
  package init(
    directory: String, environment: [String: String], executable: String?, cache: String?,
    now: @escaping @Sendable () -> Date
  ) {
    self.directory = LabDirectory(path: directory)
    self.environment = environment
    self.executable = executable
    self.cache = cache
    self.now = now
  }

  /// Brings a lab up and waits until every server of it answers.
  ///
  /// A lab that runs already with the same options is left as it is; one that was stopped starts again with its data.
  /// - Throws: ``LabError``.
  @discardableResult
  package func up(
    _ options: LabOptions, progress: @escaping @Sendable (LabProgress) -> Void = { _ in }
  ) async throws -> LabDescription {
    try options.validate()
    let forests = ForestPlan.all(options)
    try Preflight.packages(path: searchPath)
    try Preflight.privileges()
    try directory.checkLength(forests)
    let existing = try existingDescription(options)
    if let existing, status().running { return existing }
    try await stopServers()
    try Preflight.addresses(forests, crl: executable != nil)

    try prepareDirectory(forests)
    let authority = try LabCertificateAuthority.open(directory: directory.authority, now: now())
    try authority.publish(now: now())
    do {
      var description = try existing ?? emptyDescription(options, authority)
      if existing == nil {
        description.forests = try await build(options, forests, authority, progress)
      } else {
        for forest in forests { try configure(forest, authority) }
      }
      try await start(forests, progress)
      try write(description)
      return description
    } catch {
      try? await Task { try await stopServers() }.value
      throw error
    }
  }

  /// Stops what `up` started, and nothing else.
  /// - Parameter remove: also delete the lab's directory.
  package func down(remove: Bool = false) async throws {
    guard Files.exists(directory.records) else {
      throw LabError(.notALab, "There is no lab in \(directory.path).", remedy: "Name its directory with --dir.")
    }
    try await stopServers()
    if remove { try Files.remove(directory.path) }
  }

  /// What runs of the lab.
  package func status() -> LabStatus {
    let names = (try? description()).map { serverNames(ForestPlan.all($0.options)) } ?? []
    let recorded = SupervisedProcess.all(records: directory.records)
    let known = names + recorded.map(\.name).filter { !names.contains($0) }
    return LabStatus(
      directory: directory.path,
      servers: known.map { name in
        let process = recorded.first { $0.name == name }
        let running = process?.isRunning ?? false
        return LabStatus.Server(name: name, running: running, pid: running ? process?.pid : nil)
      })
  }

  /// The lab's certificate authority.
  package func authority() throws(LabError) -> LabCertificateAuthority {
    _ = try description()
    return try LabCertificateAuthority.open(directory: directory.authority, now: now())
  }

  /// The lab's description, whether it runs or not.
  package func description() throws(LabError) -> LabDescription {
    guard Files.exists(directory.description) else {
      throw LabError(
        .notALab, "There is no lab in \(directory.path).",
        remedy: "Start one: bridgehead lab up --dir \(directory.path)")
    }
    let bytes = try Files.read(directory.description)
    do { return try JSONDecoder().decode(LabDescription.self, from: Data(bytes)) } catch {
      throw LabError(
        .notALab, "\(directory.description) is damaged: \(error).",
        remedy: "Remove the lab (lab down --remove) and start it again.")
    }
  }

  static func options(_ directory: String) throws(LabError) -> LabOptions {
    let lab = LabDirectory(path: directory)
    let bytes = try Files.read(lab.optionsFile)
    do { return try JSONDecoder().decode(LabOptions.self, from: Data(bytes)) } catch {
      throw LabError(.notALab, "\(lab.optionsFile) is damaged: \(error).", remedy: "Start the lab again.")
    }
  }
}

// MARK: - Steps of `up`

extension LabEnvironment {
  var searchPath: String {
    let own = environment["PATH"] ?? ""
    return own.isEmpty ? Self.systemPath : "\(own):\(Self.systemPath)"
  }

  /// What Samba and its scripts get: no variable of the caller but where temporary files go.
  var serverEnvironment: [String: String] {
    var result = [
      "PATH": Self.systemPath, "KRB5_CONFIG": directory.kerberosConfiguration, "LC_ALL": "C.UTF-8",
      "HOME": directory.path,
    ]
    result["TMPDIR"] = environment["TMPDIR"]
    return result
  }

  private func existingDescription(_ options: LabOptions) throws(LabError) -> LabDescription? {
    guard Files.exists(directory.description) else { return nil }
    let existing = try description()
    guard existing.options == options else {
      throw LabError(
        .otherLab, "\(directory.path) holds a lab with other options.",
        remedy: "Use another directory, or remove that lab first: bridgehead lab down --remove --dir \(directory.path)")
    }
    return existing
  }

  private func prepareDirectory(_ forests: [ForestPlan]) throws(LabError) {
    for path in [directory.path, directory.records, directory.logs, directory.certificates] {
      try Files.createDirectory(path, mode: 0o700)
    }
    try SambaScript.install(directory.scripts)
    try Files.write(ClientConfiguration.kerberos(forests), to: directory.kerberosConfiguration)
    try Files.write(ClientConfiguration.hosts(forests), to: directory.hosts)
    try Files.write(ClientConfiguration.resolver(forests), to: directory.resolver)
  }

  private func emptyDescription(
    _ options: LabOptions, _ authority: LabCertificateAuthority
  ) throws(LabError) -> LabDescription {
    try Files.write(encode(options), to: directory.optionsFile)
    return LabDescription(
      directory: directory.path, options: options, forests: [], certificateAuthorityFile: authority.certificateFile,
      crlFile: authority.crlFile, kerberosConfigurationFile: directory.kerberosConfiguration)
  }

  /// All forests at once: each takes a processor for itself.
  private func build(
    _ options: LabOptions, _ forests: [ForestPlan], _ authority: LabCertificateAuthority,
    _ progress: @escaping @Sendable (LabProgress) -> Void
  ) async throws -> [LabDescription.Forest] {
    return try await withThrowingTaskGroup(of: (Int, LabDescription.Forest).self) { group in
      for (index, forest) in forests.enumerated() {
        group.addTask {
          let builder = ForestBuilder(lab: self, options: options, forest: forest, progress: progress)
          return (index, try await builder.build { try configure(forest, authority) })
        }
      }
      var built: [(Int, LabDescription.Forest)] = []
      for try await forest in group { built.append(forest) }
      return built.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  /// Certificates and smb.conf of each controller: written at every start, so that a lab can be moved and never expires.
  private func configure(_ forest: ForestPlan, _ authority: LabCertificateAuthority) throws(LabError) {
    for controller in forest.controllers {
      let certificate = try authority.issue(
        .server([controller.fqdn, forest.name], crlURLs: [forest.crlURL], now: now()))
      let files = try certificate.write(name: controller.fqdn, directory: directory.certificates)
      let path = directory.controller(controller.fqdn)
      let configuration = SambaConfiguration(
        directory: path, forest: forest, controller: controller, certificateChain: files.chain, privateKey: files.key,
        authority: authority.certificateFile)
      for part in ["/etc", "/run/winbindd"] { try Files.createDirectory(path + part) }
      try Files.write(configuration.text, to: configuration.file)
      try Files.write(
        ClientConfiguration.resolver([forest], first: controller.address),
        to: directory.controllerResolver(controller.fqdn))
    }
    let tenant = try authority.issue(
      .server([forest.tenant.name, forest.ticketHost.name], crlURLs: [forest.crlURL], now: now()))
    _ = try tenant.write(name: forest.tenant.name, directory: directory.certificates)
  }

  /// Starts every server and waits until it answers.
  private func start(_ forests: [ForestPlan], _ progress: @escaping @Sendable (LabProgress) -> Void) async throws {
    if let executable {
      _ = try SupervisedProcess.start(
        Self.crlProcess, executable, ["lab", "serve-crl", "--dir", directory.path], environment: serverEnvironment,
        log: "\(directory.logs)/crl.log", records: directory.records)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for forest in forests {
        for controller in forest.controllers {
          group.addTask {
            progress(LabProgress(phase: "start \(controller.fqdn)", done: 0, total: 1))
            try await start(controller, of: forest)
          }
        }
      }
      try await group.waitForAll()
    }
    if executable != nil { try await waitForCRL(forests) }
  }

  func start(_ controller: ForestPlan.Controller, of forest: ForestPlan) async throws {
    let path = directory.controller(controller.fqdn)
    guard let samba = Spawn.find("samba", path: searchPath) else { return try Preflight.packages(path: searchPath) }
    let log = "\(directory.logs)/\(controller.fqdn).log"
    // Only a place for the mount: Samba's packages make it at the machine's start.
    try Files.createDirectory(Self.sambaSockets)
    var names = sockets(controller)
    if forest.controllers.count > 1 { names.mounts += self.names(controller).mounts }
    let line = names.entering([samba, "--foreground", "-s", "\(path)/etc/smb.conf"])
    let process = try SupervisedProcess.start(
      controller.fqdn, line[0], Array(line.dropFirst()), environment: serverEnvironment, log: log,
      records: directory.records)
    // The KDC of this controller, and not of another one that is up already.
    var environment = serverEnvironment
    environment["KRB5_CONFIG"] = "\(path)/etc/krb5.conf"
    try Files.write(
      ClientConfiguration.kerberos([forest], controller: controller.address), to: "\(path)/etc/krb5.conf")
    let readiness = Readiness(
      forest: forest, controller: controller, keytab: "\(directory.secrets(forest.name))/\(Self.serviceAccount).keytab",
      principal: "\(Self.serviceAccount)@\(forest.realm)", environment: environment, searchPath: searchPath)
    try await readiness.wait(alive: { process.isRunning }, log: "\(log) and \(path)/log.samba")
  }

  /// The library by which smbd asks winbindd looks in Debian's directory only, whatever smb.conf says: each controller has its
  /// own in that place.
  func sockets(_ controller: ForestPlan.Controller) -> NameSpace {
    NameSpace([.init(source: "\(directory.controller(controller.fqdn))/run", target: Self.sambaSockets)])
  }

  /// Where Debian's packages keep Samba's sockets.
  static let sambaSockets = "/run/samba"

  /// Controllers find each other by names that only the lab's servers know.
  func names(_ controller: ForestPlan.Controller) -> NameSpace {
    NameSpace(hosts: directory.hosts, resolver: directory.controllerResolver(controller.fqdn))
  }

  private func waitForCRL(_ forests: [ForestPlan]) async throws {
    let process = SupervisedProcess.read(Self.crlProcess, records: directory.records)
    let clock = ContinuousClock()
    let deadline = clock.now + Readiness.patience
    for forest in forests {
      while !(try await HTTPProbe.answers(
        forest.crl.address, LabCRLServer.port, "/\(LabCertificateAuthority.crlFileName)"))
      {
        guard process?.isRunning == true, clock.now < deadline else {
          throw LabError(
            .notReady, "The server of the revocation list on \(forest.crl.address) does not answer.",
            remedy: "Read \(directory.logs)/crl.log.")
        }
        try await Task.sleep(for: .milliseconds(50))
      }
    }
  }

  func stopServers() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for process in SupervisedProcess.all(records: directory.records) {
        group.addTask { try await process.stop(records: directory.records) }
      }
      try await group.waitForAll()
    }
  }

  private func serverNames(_ forests: [ForestPlan]) -> [String] {
    forests.flatMap(\.controllers).map(\.fqdn) + (executable == nil ? [] : [Self.crlProcess])
  }

  private func write(_ description: LabDescription) throws(LabError) {
    try Files.write(encode(description), to: directory.description, mode: 0o600)
  }

  private func encode(_ value: some Encodable) throws(LabError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do { return [UInt8](try encoder.encode(value)) + [0x0a] } catch {
      throw LabError(.file, "The lab's description cannot be encoded: \(error).", remedy: "Report this as a defect.")
    }
  }
}
