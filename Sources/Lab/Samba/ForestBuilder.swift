// SPDX-License-Identifier: Apache-2.0

/// Makes one forest: provisioned, loaded, and given what belongs to this lab only.
struct ForestBuilder: Sendable {
  var lab: LabEnvironment
  var options: LabOptions
  var forest: ForestPlan
  var progress: @Sendable (LabProgress) -> Void

  private var directory: LabDirectory { lab.directory }
  private var first: ForestPlan.Controller { forest.controllers[0] }

  /// - Parameter configure: writes each controller's smb.conf and certificates.
  func build(configure: () throws -> Void) async throws -> LabDescription.Forest {
    for controller in forest.controllers { try Files.remove(directory.controller(controller.fqdn)) }
    let secrets = try Secrets(directory: directory.secrets(forest.name), userPassword: userPassword)
    let archive = try await ForestArchive(lab: lab, options: options, forest: forest)
    var counts = try await archive?.restore(reporting: progress)
    try configure()
    if counts == nil {
      let made = try await provisionAndLoad()
      try await join(secrets)
      try await archive?.store(made, reporting: progress)
      counts = made
    }
    var identities: [String] = []
    var first: SambaJob.Settled?
    for controller in forest.controllers {
      let settled = try await settle(controller, secrets)
      identities.append(settled.invocationId)
      first = first ?? settled
    }
    guard let first, let counts else {
      throw LabError(.invalidOption, "\(forest.name) has no controller.", remedy: "Ask for at least one.")
    }
    return describe(first, identities, counts, secrets)
  }

  /// The same for every lab of a seed, because loaded trees are reused. It protects nobody real.
  private var userPassword: String { "Lab-\(options.seed)-Users!" }

  private func provisionAndLoad() async throws -> [String: Int] {
    let path = directory.controller(first.fqdn)
    let _: SambaJob.Provisioned = try await run(
      .provision,
      SambaJob.Provision(
        dcDir: path, realm: forest.realm, domain: forest.netbios, host: first.host, address: first.address,
        site: ForestPlan.site, administratorPassword: Secrets.randomPassword()))
    let loaded: SambaJob.Loaded = try await run(
      .load,
      SambaJob.Load(
        dcDir: path, domain: forest.name, netbios: forest.netbios, userPassword: userPassword, users: options.users,
        groups: options.groups, seed: options.seed, extendedSchema: options.extendedSchema,
        unverifiedSuffixes: forest.unverifiedSuffixes,
        accounts: [
          .init(name: LabEnvironment.serviceAccount, replicate: true),
          .init(name: LabEnvironment.plainAccount),
          .init(name: LabEnvironment.passwordAccount, replicate: true, secrets: true),
          .init(name: LabEnvironment.writebackAccount, writes: ["OU=People"]),
        ]))
    return loaded.counts
  }

  /// Further controllers replicate everything from the first, which runs meanwhile.
  private func join(_ secrets: Secrets) async throws {
    guard forest.controllers.count > 1 else { return }
    _ = try await settle(first, secrets)
    progress(LabProgress(phase: "start \(first.fqdn)", done: 0, total: 1))
    try await lab.start(first, of: forest)
    for controller in forest.controllers.dropFirst() {
      let _: SambaJob.Joined = try await run(
        .join,
        SambaJob.Join(
          dcDir: directory.controller(controller.fqdn), domain: forest.name, netbios: forest.netbios,
          realm: forest.realm, host: controller.host, server: first.fqdn,
          administratorPassword: secrets.administrator.password), names: lab.names(first))
    }
    try await SupervisedProcess.read(first.fqdn, records: directory.records)?.stop(records: directory.records)
  }

  private func settle(_ controller: ForestPlan.Controller, _ secrets: Secrets) async throws -> SambaJob.Settled {
    func account(_ name: String, _ secret: Secrets.Secret) -> SambaJob.Settle.Account {
      .init(name: name, password: secret.password, keytab: secret.keytab)
    }
    return try await run(
      .settle,
      SambaJob.Settle(
        dcDir: directory.controller(controller.fqdn), domain: forest.name, netbios: forest.netbios,
        site: ForestPlan.site, administratorPassword: secrets.administrator.password,
        first: controller.address == first.address,
        dcs: forest.controllers.map { .init(host: $0.host, address: $0.address) },
        hosts: [forest.tenant, forest.ticketHost, forest.crl].map { .init(name: $0.name, address: $0.address) },
        accounts: [
          account(LabEnvironment.serviceAccount, secrets.service), account(LabEnvironment.plainAccount, secrets.plain),
          account(LabEnvironment.passwordAccount, secrets.passwords),
          account(LabEnvironment.writebackAccount, secrets.writeback),
        ]))
  }

  private func run<Result: Decodable & Sendable>(
    _ script: SambaScript, _ job: some Encodable, names: NameSpace? = nil
  ) async throws -> Result {
    let (forest, progress) = (forest.name, progress)
    return try await script.run(job, in: directory, environment: lab.serverEnvironment, names: names) {
      phase, done, total in
      progress(LabProgress(phase: "\(phase) \(forest)", done: done, total: total))
    }
  }

  private func describe(
    _ settled: SambaJob.Settled, _ identities: [String], _ counts: [String: Int], _ secrets: Secrets
  ) -> LabDescription.Forest {
    func account(_ name: String, _ secret: Secrets.Secret) -> LabDescription.Account {
      LabDescription.Account(
        principal: "\(name)@\(forest.realm)", passwordFile: secret.passwordFile,
        keytabFile: Files.exists(secret.keytab) ? secret.keytab : nil)
    }
    let certificate = "\(directory.certificates)/\(forest.tenant.name)"
    return LabDescription.Forest(
      name: forest.name, netbios: forest.netbios, realm: forest.realm, baseDN: settled.base, domainSID: settled.sid,
      controllers: zip(forest.controllers, identities).map { controller, identity in
        LabDescription.Controller(
          host: controller.fqdn, netbios: controller.host, address: controller.address, site: ForestPlan.site,
          ports: Self.ports, invocationID: identity)
      }, dnsServers: forest.controllers.map(\.address),
      administrator: account("Administrator", secrets.administrator),
      serviceAccount: account(LabEnvironment.serviceAccount, secrets.service),
      plainAccount: account(LabEnvironment.plainAccount, secrets.plain),
      passwordAccount: account(LabEnvironment.passwordAccount, secrets.passwords),
      writebackAccount: account(LabEnvironment.writebackAccount, secrets.writeback),
      userPasswordFile: secrets.users.passwordFile,
      tenant: LabDescription.Server(
        name: forest.tenant.name, address: forest.tenant.address, certificateChainFile: certificate + ".pem",
        privateKeyFile: certificate + ".key"), crlURL: forest.crlURL, crlAddress: forest.crl.address,
      verifiedSuffixes: [forest.name], unverifiedSuffixes: forest.unverifiedSuffixes,
      synchronisedUnits: ["OU=People", "OU=Groups", "OU=Contacts"].map { "\($0),\(settled.base)" },
      otherUnits: ["OU=External", "OU=Workstations", "OU=Service Accounts"].map { "\($0),\(settled.base)" },
      counts: counts)
  }

  private static let ports = [
    "dns": 53, "kerberos": 88, "rpc-endpoint-mapper": 135, "ldap": 389, "smb": 445, "kpasswd": 464, "ldaps": 636,
    "global-catalog": 3268, "global-catalog-tls": 3269,
  ]
}
