// SPDX-License-Identifier: Apache-2.0

import Crypto
package import FoundationEssentials
import Glibc
package import Logging
import Wire
import X509

/// Keeps revocation lists until their `nextUpdate`, in memory and, if a directory is given, on disk, so that the next
/// process needs no download. Concurrent requests for one location share one download.
///
/// A list enters the cache only after the caller has verified it: who can answer an http request must not be able to
/// replace a good list by a forged one.
package actor RevocationListCache {
  /// The most bytes of lists that are held in memory.
  package static let maximumBytes = 64 << 20
  /// A location that failed is not asked again for this many seconds.
  package static let retryAfterFailure: TimeInterval = 30
  /// The most failures that are remembered.
  static let maximumFailures = 256
  /// The most signatures whose verdict is remembered.
  static let maximumVerdicts = 1024
  /// The most lists on disk, and their bytes together.
  static let maximumFiles = 256
  static let maximumFileBytes = 256 << 20
  private static let fileSuffix = ".crl"

  /// A list, with the reason why no fresher one could be had if its time is over.
  package struct Answer: Sendable {
    package var list: CertificateList
    package var failure: TrustError?
  }

  private let source: any RevocationListSource
  private let directory: String?
  private let now: @Sendable () -> Date
  private let log: Logger
  private var lists: [String: CertificateList] = [:]
  /// Locations, least recently used first.
  private var order: [String] = []
  private var failures = BoundedMap<String, (at: Date, error: TrustError)>(capacity: maximumFailures)
  private var readings: [String: Task<CertificateList?, Never>] = [:]
  /// By the digests of list and key.
  private(set) var verdicts = BoundedMap<[UInt8], Bool>(capacity: maximumVerdicts)
  private var downloads: [String: Task<Result<CertificateList, TrustError>, Never>] = [:]

  /// - Parameter directory: where verified lists are kept; it is created when it is missing.
  package init(
    source: any RevocationListSource, directory: String? = nil, now: @escaping @Sendable () -> Date,
    log: Logger = Logger(label: "bridgehead.trust")
  ) {
    self.source = source
    self.directory = directory
    self.now = now
    self.log = log
  }

  /// The list at a location: a kept one until its `nextUpdate`, then a new one; the kept one together with the failure
  /// when no new one can be had.
  ///
  /// - Parameter verify: throws unless the list is signed by the right issuer; called for every list before it is used.
  package func list(
    at location: String, verify: @Sendable (CertificateList) async throws(TrustError) -> Void
  ) async throws(TrustError) -> Answer {
    var kept = lists[location]
    if kept == nil { kept = await readFile(of: location) }
    if let list = kept {
      do throws(TrustError) {
        try await verify(list)
        keep(list, at: location)
        if now() < list.nextUpdate { return Answer(list: list) }
      } catch {
        kept = nil
      }
    }
    do throws(TrustError) {
      if let failure = failures[location], now().timeIntervalSince(failure.at) < Self.retryAfterFailure {
        throw failure.error
      }
      let list = try await download(location)
      do throws(TrustError) {
        try await verify(list)
      } catch {
        remember(error, at: location)
        throw error
      }
      // A replayed older list must not displace what is known.
      if let kept, list.thisUpdate < kept.thisUpdate { return Answer(list: kept) }
      keep(list, at: location)
      await writeFile(list, of: location)
      return Answer(list: list)
    } catch {
      guard let kept else { throw error }
      return Answer(list: kept, failure: error)
    }
  }

  private func download(_ location: String) async throws(TrustError) -> CertificateList {
    if let running = downloads[location] { return try await running.value.get() }
    let task = Task { [source] () -> Result<CertificateList, TrustError> in
      do throws(TrustError) {
        let bytes = try await source.fetch(location)
        return .success(
          try await DetachedThread.run { () throws(TrustError) in try CertificateList(bytes, from: location) })
      } catch {
        return .failure(error)
      }
    }
    downloads[location] = task
    let result = await task.value
    downloads[location] = nil
    switch result {
    case .success: failures[location] = nil
    case .failure(let error): remember(error, at: location)
    }
    return try result.get()
  }

  private func remember(_ error: TrustError, at location: String) {
    failures[location] = (now(), error)
  }

  private func keep(_ list: CertificateList, at location: String) {
    order.removeAll { $0 == location }
    order.append(location)
    lists[location] = list
    var total = lists.values.reduce(0) { $0 + $1.byteCount }
    while total > Self.maximumBytes, order.count > 1 {
      total -= lists.removeValue(forKey: order.removeFirst())?.byteCount ?? 0
    }
  }

  /// Whether the key made the list's signature. The answer is remembered, so that not every handshake hashes megabytes.
  func isSigned(_ list: CertificateList, by key: Certificate.PublicKey) async -> Bool {
    let question = list.digest + SHA256.hash(data: Array(key.subjectPublicKeyInfoBytes))
    if let known = verdicts[question] { return known }
    let verdict = await DetachedThread.run { list.isSigned(by: key) }
    verdicts[question] = verdict
    return verdict
  }

  // MARK: The directory

  private func path(of location: String) -> String? {
    guard let directory else { return nil }
    return directory + "/" + Hex.encode(Array(SHA256.hash(data: Array(location.utf8)))) + Self.fileSuffix
  }

  /// The list on disk, if there is one; concurrent requests share the reading.
  private func readFile(of location: String) async -> CertificateList? {
    guard let path = path(of: location) else { return nil }
    if let running = readings[location] { return await running.value }
    let reading = Task { [log] in
      await DetachedThread.run { () -> CertificateList? in
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        do {
          return try CertificateList(Array(data), from: path)
        } catch {
          log.warning("kept CRL is not readable", metadata: ["path": "\(path)", "error": "\(error)"])
          return nil
        }
      }
    }
    readings[location] = reading
    defer { readings[location] = nil }
    return await reading.value
  }

  /// A temporary file and a rename, so that a reader never sees half a list.
  private func writeFile(_ list: CertificateList, of location: String) async {
    guard let directory, let path = path(of: location) else { return }
    await DetachedThread.run { [log] in
      do {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Data(list.derBytes).write(to: URL(fileURLWithPath: path), options: .atomic)
        Self.prune(directory)
      } catch {
        log.warning("CRL could not be kept on disk", metadata: ["path": "\(path)", "error": "\(error)"])
      }
    }
  }

  /// Removes the lists that were written longest ago, beyond the limits: those of authorities that are gone.
  private static func prune(_ directory: String) {
    var files: [(path: String, bytes: Int, written: (Int, Int))] = []
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] where name.hasSuffix(fileSuffix)
    {
      let path = directory + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }
      files.append((path, Int(status.st_size), (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)))
    }
    var total = 0
    for (index, file) in files.sorted(by: { $0.written > $1.written }).enumerated() {
      total += file.bytes
      if index >= maximumFiles || total > maximumFileBytes { unlink(file.path) }
    }
  }
}
