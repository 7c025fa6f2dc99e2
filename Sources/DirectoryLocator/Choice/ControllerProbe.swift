// SPDX-License-Identifier: Apache-2.0

import LDAP
import Wire

/// Asks candidates, several at a time, whether they are alive and of use.
struct ControllerProbe: Sendable {
  /// What the asked controller must be.
  enum Role: Sendable, Equatable {
    case domain(String)
    /// A global catalog of the forest, whatever its domain.
    case globalCatalog(forest: String)
  }

  /// Pings under way at a time.
  static let maximumConcurrency = 8
  /// Candidates that are asked in one search; large domains publish hundreds.
  static let maximumCandidates = 64
  /// Addresses of one host that are tried.
  static let maximumAddresses = 4

  let role: Role
  let resolver: any NameResolver
  let transport: PingTransport
  let settlingTime: Duration

  /// - Parameter ordered: the first suitable candidate wins, so none is settled before those in front of it.
  /// - Returns: a verdict on each candidate that was decided, in the order of the candidates.
  func decisions(on candidates: [Candidate], ordered: Bool) async throws -> [Decision] {
    let candidates = Array(candidates.prefix(Self.maximumCandidates))
    var decided: [Int: Verdict] = [:]
    var next = 0
    var isSettling = false
    try await withThrowingTaskGroup(of: (Int, Verdict)?.self) { group in
      while next < min(Self.maximumConcurrency, candidates.count) {
        let index = next
        group.addTask { (index, try await verdict(on: candidates[index])) }
        next += 1
      }
      while decided.count < candidates.count, let result = try await group.next() {
        guard let (index, verdict) = result else { break }  // settled
        decided[index] = verdict
        if next < candidates.count {
          let index = next
          group.addTask { (index, try await self.verdict(on: candidates[index])) }
          next += 1
        }
        if !isSettling, Self.canSettle(decided, count: candidates.count, ordered: ordered) {
          isSettling = true
          group.addTask {
            try await Task.sleep(for: settlingTime)
            return nil
          }
        }
      }
      group.cancelAll()
    }
    return candidates.indices.compactMap { index in decided[index].map { (candidates[index], $0) } }
  }

  private static func canSettle(_ decided: [Int: Verdict], count: Int, ordered: Bool) -> Bool {
    for index in 0..<count {
      if case .suitable = decided[index] { return true }
      if ordered, decided[index] == nil { return false }
    }
    return false
  }

  private func verdict(on candidate: Candidate) async throws -> Verdict {
    let addresses: [String]
    do {
      addresses = try await resolver.addresses(of: candidate.host)
    } catch let error as LocatorError {
      return .unresolved("has no address (\(error.code.rawValue))")
    }
    return try await withThrowingTaskGroup(of: Verdict.self) { group in
      for address in addresses.prefix(Self.maximumAddresses) {
        group.addTask { try await verdict(on: candidate, at: address) }
      }
      defer { group.cancelAll() }
      var best: Verdict?
      while let verdict = try await group.next() {
        if case .suitable = verdict { return verdict }
        if verdict.weight > best?.weight ?? -1 { best = verdict }
      }
      return best ?? .unresolved("has no address")
    }
  }

  private func verdict(on candidate: Candidate, at address: String) async throws -> Verdict {
    switch role {
    case .domain(let domain): return try await ask(for: domain, candidate, address)
    case .globalCatalog(let forest):
      let verdict = try await ask(for: forest, candidate, address)
      // A catalog in a child domain answers for its own domain only, which its name tells.
      guard case .wrongDomain(nil) = verdict, !NumericAddress.isNumeric(candidate.host) else { return verdict }
      let own = candidate.host.lowercased().drop { $0 != "." }.dropFirst()
      return own.isEmpty || own == forest ? verdict : try await ask(for: String(own), candidate, address)
    }
  }

  private func ask(for domain: String, _ candidate: Candidate, _ address: String) async throws -> Verdict {
    let outcome = try await transport.ping(
      NetlogonPing(domain: domain), host: candidate.host, address: address, port: candidate.pingPort,
      messageID: candidate.messageID)
    switch outcome {
    case .found(let reply, let latency):
      return judge(reply, DomainController(reply, address: address, port: candidate.port, latency: latency))
    case .wrongDomain: return .wrongDomain(nil)
    case .refused: return .refused
    case .silent: return .silent
    case .unreadable(let reason): return .unreadable(reason)
    case .unsent(let reason): return .unresolved("cannot be asked (\(reason))")
    }
  }

  private func judge(_ reply: NetlogonReply, _ controller: DomainController) -> Verdict {
    guard reply.opcode != .samPauseResponse else { return .paused }
    switch role {
    case .domain(let domain):
      guard controller.domain == domain else { return .wrongDomain(controller.domain) }
      // MS-ADTS 6.3.1.2: a read-only DC lacks the bit; imports need the originals and their replication metadata.
      guard controller.flags.contains(.writable) else { return .readOnly(controller) }
    case .globalCatalog(let forest):
      guard controller.forest == forest else { return .wrongDomain(controller.domain) }
      guard controller.isGlobalCatalog else { return .notGlobalCatalog(controller) }
    }
    return .suitable(controller)
  }
}
