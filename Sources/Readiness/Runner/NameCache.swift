// SPDX-License-Identifier: Apache-2.0

import DirectoryLocator
import Wire

/// Looks each name up once, however many flows lead to it.
actor NameCache {
  /// Why a name has no address, as an observation.
  struct Failure: Error, Sendable {
    let observation: Observation
    let words: String
  }

  private let resolver: any NameResolver
  private var lookups: [String: Task<Result<[String], Failure>, Never>] = [:]

  init(_ resolver: any NameResolver) { self.resolver = resolver }

  func addresses(of name: String) async -> Result<[String], Failure> {
    let key = name.lowercased()
    let lookup =
      lookups[key]
      ?? Task { [resolver] in
        do {
          return .success(try await resolver.addresses(of: name))
        } catch {
          return .failure(Self.failure(name, error))
        }
      }
    lookups[key] = lookup
    return await lookup.value
  }

  private static func failure(_ name: String, _ error: any Error) -> Failure {
    guard let error = error as? LocatorError else {
      return Failure(observation: .systemError("\(error)"), words: "\(error)")
    }
    let observation: Observation =
      switch error.code {
      case .hostNotFound, .domainNotFound:
        .nameNotFound(name: name, zoneExists: error.code == .domainNotFound ? false : nil)
      case .noAddress, .noServiceRecords: .recordMissing(name: name, type: "A or AAAA")
      case .serverNotAnswering, .tcpBlocked: .resolverSilent(servers: [])
      case .serverFailure, .malformedAnswer: .resolverRefused(server: "asked", reason: error.message)
      default: .systemError(error.message)
      }
    return Failure(observation: observation, words: error.message)
  }
}

/// Lets so many conversations with one target go on at a time.
actor TargetGates {
  private let limit: Int
  private var inside: [String: Int] = [:]
  private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

  init(limit: Int) { self.limit = limit }

  func enter(_ target: String) async {
    if inside[target, default: 0] < limit {
      inside[target, default: 0] += 1
      return
    }
    await withCheckedContinuation { waiting[target, default: []].append($0) }
  }

  func leave(_ target: String) {
    if var queue = waiting[target], !queue.isEmpty {
      let next = queue.removeFirst()
      waiting[target] = queue
      next.resume()
    } else {
      inside[target, default: 1] -= 1
    }
  }
}
