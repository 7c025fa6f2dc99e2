// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import Wire

/// A forest's trees as they are after loading, kept for the next lab of the same options.
///
/// The name carries a digest of everything that decides the content. The file holds the forest's keys, so only its owner may
/// read it.
struct ForestArchive: Sendable {
  /// Raised when the layout of the archive changes.
  static let format = 1
  /// Archives that are kept: the oldest go first. One of 10,000 users has about 40 MB.
  static let kept = 12

  private struct Key: Encodable {
    var format: Int
    var samba: String
    var scripts: String
    var forest: String
    var addresses: [String]
    var unverifiedSuffixes: [String]
    var users, groups, seed: Int
    var extendedSchema: Bool
  }

  private let directory: LabDirectory
  private let forest: ForestPlan
  private let environment: [String: String]
  private let searchPath: String
  private let cache: String
  private let now: @Sendable () -> Date
  let file: String

  /// Nil when the lab keeps no cache.
  init?(lab: LabEnvironment, options: LabOptions, forest: ForestPlan) async throws {
    guard let cache = lab.cache else { return nil }
    directory = lab.directory
    environment = lab.serverEnvironment
    searchPath = lab.searchPath
    now = lab.now
    self.forest = forest
    self.cache = cache
    let samba = Spawn.find("samba", path: searchPath) ?? "samba"
    let version = try await Command(samba, ["--version"], environment: environment).run().text
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let key = try encoder.encode(
      Key(
        format: Self.format, samba: version, scripts: Hex.encode(Array(SHA256.hash(data: SambaScript.sources))),
        forest: forest.name,
        addresses: forest.controllers.map(\.address) + [forest.tenant.address, forest.crl.address],
        unverifiedSuffixes: forest.unverifiedSuffixes, users: options.users, groups: options.groups, seed: options.seed,
        extendedSchema: options.extendedSchema))
    let digest = Hex.encode(Array(SHA256.hash(data: key)).prefix(12))
    file =
      "\(cache)/\(forest.name)-\(options.users)u-\(options.groups)g-\(forest.controllers.count)dc-\(digest).tar.zst"
  }

  private var countsFile: String { "\(forest.name).counts" }

  /// Unpacks the trees into the lab. An archive that cannot be read is removed and made anew.
  /// - Returns: the population's counts; nil when there is no archive.
  func restore(reporting progress: @Sendable (LabProgress) -> Void) async throws -> [String: Int]? {
    guard Files.exists(file) else { return nil }
    progress(LabProgress(phase: "unpack \(forest.name)", done: 0, total: 1))
    try Files.createDirectory(directory.controllers, mode: 0o700)
    do {
      try await run(["tar", "-C", directory.controllers, "--sparse", "-I", "zstd -d -T0", "-xf", file])
      let bytes = try Files.read("\(directory.controllers)/\(countsFile)")
      let counts = try JSONDecoder().decode([String: Int].self, from: Data(bytes))
      // The newest archives are kept: one that was used counts as new.
      try? FileManager.default.setAttributes([.modificationDate: now()], ofItemAtPath: file)
      progress(LabProgress(phase: "unpack \(forest.name)", done: 1, total: 1))
      return counts
    } catch let error where !(error is CancellationError) {
      try Files.remove(file)
      for controller in forest.controllers { try Files.remove(directory.controller(controller.fqdn)) }
      return nil
    }
  }

  /// Packs the trees of stopped controllers.
  func store(_ counts: [String: Int], reporting progress: @Sendable (LabProgress) -> Void) async throws {
    progress(LabProgress(phase: "pack \(forest.name)", done: 0, total: 1))
    try Files.createDirectory(cache, mode: 0o700)
    for controller in forest.controllers { try await compact(controller) }
    try Files.write([UInt8](try JSONEncoder().encode(counts)), to: "\(directory.controllers)/\(countsFile)")
    // Labs of other processes, which may have the same number in namespaces of their own, pack the same forest.
    let temporary = "\(file).\(UInt64.random(in: 0 ... .max)).new"
    try Files.write([], to: temporary, mode: 0o600)
    let left = ["etc", "run", "log.*", "msg.*", "*-lock", "smbd.tmp"].map { "--exclude=\($0)" }
    try await run(
      ["tar", "-C", directory.controllers, "--sparse"] + left + ["-I", "zstd -3 -T0", "-cf", temporary, countsFile]
        + forest.controllers.map(\.fqdn))
    try Files.rename(temporary, to: file)
    try prune()
    progress(LabProgress(phase: "pack \(forest.name)", done: 1, total: 1))
  }

  /// Databases have holes where transactions left free pages: copied without them they are a fraction.
  private func compact(_ controller: ForestPlan.Controller) async throws {
    let databases = "\(directory.controller(controller.fqdn))/private/sam.ldb.d"
    for name in try FileManager.default.contentsOfDirectory(atPath: databases) where name.hasSuffix(".ldb") {
      let path = "\(databases)/\(name)"
      try await run(["mdb_copy", "-c", "-n", path, path + ".new"])
      try Files.rename(path + ".new", to: path)
    }
  }

  private func prune() throws {
    let files = FileManager.default
    // Those included that a lab left behind that was killed while it packed.
    let archives = try files.contentsOfDirectory(atPath: cache).filter { $0.contains(".tar.zst") }.map {
      "\(cache)/\($0)"
    }
    let dated = archives.map { path in
      (path, (try? files.attributesOfItem(atPath: path)[.modificationDate] as? Date) ?? .distantPast)
    }
    // Another lab may have removed it in the meantime.
    for (path, _) in dated.sorted(by: { $0.1 > $1.1 }).dropFirst(Self.kept) { try? Files.remove(path) }
  }

  private func run(_ line: [String]) async throws {
    let executable = Spawn.find(line[0], path: searchPath) ?? line[0]
    let result = try await Command([executable] + line.dropFirst(), environment: environment).run()
    try Task.checkCancellation()
    guard result.status == 0 else {
      let said = result.errorText.split(separator: "\n").suffix(3).joined(separator: " | ")
      throw LabError(
        .commandFailed, "\(line[0]) ended with status \(result.status): \(said).",
        remedy: "Check the free space of \(cache) and \(directory.path), or use --no-cache.")
    }
  }
}
