// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// The Python programs that reach into Samba's databases, which have no other interface than Samba's own Python modules.
enum SambaScript: String, CaseIterable {
  case provision, load, join, settle

  /// Debian's own interpreter: python3-samba belongs to it.
  static let interpreter = "/usr/bin/python3"

  private static let files: [(name: String, bytes: [UInt8])] = [
    ("samba_job.py", PackageResources.samba_job_py),
    ("accounts.py", PackageResources.accounts_py),
    ("photo.py", PackageResources.photo_py),
    ("population.py", PackageResources.population_py),
    ("provision.py", PackageResources.provision_py),
    ("load.py", PackageResources.load_py),
    ("join.py", PackageResources.join_py),
    ("settle.py", PackageResources.settle_py),
  ]

  /// What decides what a script makes of its job; part of the cache's key.
  static var sources: [UInt8] { files.flatMap(\.bytes) }

  static func install(_ directory: String) throws(LabError) {
    try Files.createDirectory(directory)
    for file in files { try Files.write(file.bytes, to: "\(directory)/\(file.name)") }
  }

  /// Runs the script on a job and returns its result.
  /// - Parameters:
  ///   - progress: phase, done, total.
  ///   - names: the name servers and hosts that the script sees, the machine's own when nil.
  func run<Result: Decodable & Sendable>(
    _ job: some Encodable, in directory: LabDirectory, environment: [String: String], names: NameSpace? = nil,
    progress: @escaping @Sendable (String, Int, Int) -> Void
  ) async throws -> Result {
    var environment = environment
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    environment["LC_ALL"] = "C.UTF-8"
    let arguments = [Self.interpreter, "\(directory.scripts)/\(rawValue).py"]
    let command = Command(names?.entering(arguments) ?? arguments, environment: environment)
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    let result = try await command.run(input: [UInt8](try encoder.encode(job))) { line in
      let parts = line.split(separator: "\t")
      if parts.count == 4, parts[0] == "progress", let done = Int(parts[2]), let total = Int(parts[3]) {
        progress(String(parts[1]), done, total)
      }
    }
    try Task.checkCancellation()
    guard result.status == 0, let json = result.text.split(separator: "\n").last(where: { $0.hasPrefix("{") }) else {
      let said = result.errorText.split(separator: "\n").filter { !$0.hasPrefix("progress\t") }.suffix(4)
      throw LabError(
        .scriptFailed,
        "Samba's \(rawValue) step ended with status \(result.status): \(said.joined(separator: " | ")).",
        remedy: "Check that python3-samba and samba-ad-provision are installed and the disk has space.")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Result.self, from: Data(json.utf8))
  }
}

/// The jobs and results of the scripts, as JSON whose keys are in snake case.
enum SambaJob {
  struct Provision: Encodable {
    var dcDir, realm, domain, host, address, site, administratorPassword: String
  }
  struct Provisioned: Decodable, Sendable { var base, sid: String }

  struct Load: Encodable {
    struct Account: Encodable {
      var name: String
      var replicate = false
      /// Password hashes, too.
      var secrets = false
      /// Units, relative to the base, whose users' passwords the account may reset.
      var writes: [String] = []
    }
    var dcDir, domain, netbios, userPassword: String
    var users, groups, seed: Int
    var extendedSchema: Bool
    var unverifiedSuffixes: [String]
    var accounts: [Account]
  }
  struct Loaded: Codable, Sendable { var counts: [String: Int] }

  struct Join: Encodable {
    var dcDir, domain, netbios, realm, host, server, administratorPassword: String
  }
  struct Joined: Decodable, Sendable {}

  struct Settle: Encodable {
    struct Controller: Encodable { var host, address: String }
    struct Host: Encodable { var name, address: String }
    struct Account: Encodable { var name, password, keytab: String }
    var dcDir, domain, netbios, site, administratorPassword: String
    var first: Bool
    var dcs: [Controller]
    var hosts: [Host]
    var accounts: [Account]
  }
  struct Settled: Decodable, Sendable { var base, sid, invocationId: String }
}
