// SPDX-License-Identifier: Apache-2.0

import Crypto
package import FoundationEssentials
package import Logging
import Wire

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
  private var failures: [String: (at: Date, error: TrustError)] = [:]
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
    var kept = lists[location] ?? readFile(of: location)
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
      writeFile(list, of: location)
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
        return .success(try CertificateList(try await source.fetch(location), from: location))
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
    if failures.count >= Self.maximumFailures { failures.removeAll() }
    failures[location] = (now(), error)
  }

  private func keep(_ list: CertificateList, at location: String) {
    order.removeAll { $0 == location }
    order.append(location)
    lists[location] = list
    var total = lists.values.reduce(0) { $0 + $1.derBytes.count }
    while total > Self.maximumBytes, order.count > 1 {
      total -= lists.removeValue(forKey: order.removeFirst())?.derBytes.count ?? 0
    }
  }

  // MARK: The directory

  private func path(of location: String) -> String? {
    guard let directory else { return nil }
    return directory + "/" + Hex.encode(Array(SHA256.hash(data: Array(location.utf8)))) + ".crl"
  }

  private func readFile(of location: String) -> CertificateList? {
    guard let path = path(of: location), let data = FileManager.default.contents(atPath: path) else { return nil }
    do {
      return try CertificateList(Array(data), from: path)
    } catch {
      log.warning("kept CRL is not readable", metadata: ["path": "\(path)", "error": "\(error)"])
      return nil
    }
  }

  /// A temporary file and a rename, so that a reader never sees half a list.
  private func writeFile(_ list: CertificateList, of location: String) {
    guard let directory, let path = path(of: location) else { return }
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try Data(list.derBytes).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      log.warning("CRL could not be kept on disk", metadata: ["path": "\(path)", "error": "\(error)"])
    }
  }
}
