// SPDX-License-Identifier: Apache-2.0

import CARES
package import Wire

/// Asks DNS servers through c-ares: over UDP, then over TCP when an answer was truncated (RFC 7766 5).
///
/// Every answer from a server records a use of the flow, with the transport and the server of the socket that delivered
/// it; silence, garbage and refusals record nothing. Nothing is cached: a run asks few questions, and each must be true now.
package struct DNSResolver: NameResolver {
  package struct Configuration: Sendable {
    /// Numeric addresses, asked in this order, at most eight; none stands for those of ``systemConfiguration``.
    package var servers: [Endpoint]
    /// Never use UDP.
    package var usesOnlyTCP = false
    /// The time for the first attempt; it doubles with each round through the servers.
    package var attemptTimeout: Duration = .milliseconds(500)
    /// Rounds through the servers: with 500 ms, questions leave at 0, 0.5 and 1.5 s and the lookup ends at 3.5 s.
    package var attempts = 3
    /// A file in the form of resolv.conf(5), read when ``servers`` is empty; the hosts file is honoured then, too.
    package var systemConfiguration = "/etc/resolv.conf"

    package init(servers: [Endpoint] = []) { self.servers = servers }
  }

  package var configuration: Configuration
  private let flow: Flow?
  private let thread = LookupThread()

  /// - Parameter flow: the row that each answer is a use of (`connect-ad/dns`).
  package init(_ configuration: Configuration = Configuration(), flow: Flow?) {
    self.configuration = configuration
    self.flow = flow
  }

  /// The addresses of a host, IPv4 and IPv6, those with a route first. IPv4 comes before IPv6, because the AAAA records
  /// of domain controllers often hold tunnel addresses that nothing reaches.
  ///
  /// - Throws: ``LocatorError``; `CancellationError` when the task was cancelled.
  package func addresses(of host: String) async throws -> [String] {
    if NumericAddress.isNumeric(host) { return [host] }
    let name = try Self.absolute(host)
    // RFC 6761 6.3: never asked in the DNS.
    if name == "localhost" || name.hasSuffix(".localhost") { return ["127.0.0.1", "::1"] }
    if configuration.servers.isEmpty {
      let known = try await lookUp(name, .hostsFile).addresses
      if !known.isEmpty { return known }
    }
    async let second = Result.of { try await answer(name, .aaaa) }
    let first = await Result.of { try await answer(name, .a) }
    let results = [first, await second]
    try Task.checkCancellation()
    let addresses = results.flatMap { (try? $0.get().records) ?? [] }
    guard addresses.isEmpty else {
      let routed = addresses.filter(NumericAddress.hasRoute)
      return routed + addresses.filter { !routed.contains($0) }
    }
    _ = try first.get()
    return try results[1].get().records
  }

  /// The SRV records of a name such as `_ldap._tcp.dc._msdcs.corp.example`, as they came (RFC 2782).
  ///
  /// - Throws: ``LocatorError``, `hostNotFound` or `noServiceRecords` when there is none; `CancellationError`.
  package func services(_ name: String) async throws -> DNSAnswer<ServiceRecord> {
    let name = try Self.absolute(name)
    let outcome = try await ask(name, .srv)
    guard let records = DNSRecords.services(outcome.message), let source = outcome.source else {
      throw failure(outcome, as: ARES_EBADRESP, name)
    }
    guard !records.isEmpty else {
      throw LocatorError(
        .noServiceRecords, "DNS server \(source) holds no SRV records for \(name).",
        remedy: "Restart the Netlogon service on the domain controllers (or samba_dnsupdate), so that they register.")
    }
    return DNSAnswer(records: records, source: source)
  }

  /// The TXT records of a name (RFC 1035 3.3.14); none is an answer, too.
  ///
  /// - Throws: ``LocatorError``, `hostNotFound` when there is no such name; `CancellationError`.
  package func texts(of name: String) async throws -> DNSAnswer<String> {
    let name = try Self.absolute(name)
    let outcome = try await lookUp(name, .records(.txt))
    if outcome.status == ARES_ENODATA, let source = outcome.source { return DNSAnswer(records: [], source: source) }
    guard outcome.status == ARES_SUCCESS else {
      throw LocatorError(outcome, name: name, configuration: configuration)
    }
    guard let records = DNSRecords.texts(outcome.message), let source = outcome.source else {
      throw failure(outcome, as: ARES_EBADRESP, name)
    }
    return DNSAnswer(records: records, source: source)
  }

  /// Whether the DNS knows the name, with records of whatever type.
  func exists(_ name: String) async throws -> Bool {
    let outcome = try await lookUp(Self.absolute(name), .records(.soa))
    if outcome.status == ARES_ENOTFOUND { return false }
    guard [ARES_SUCCESS, ARES_ENODATA].contains(outcome.status) else {
      throw LocatorError(outcome, name: name, configuration: configuration)
    }
    return true
  }

  func answer(_ name: String, _ type: DNSRecordType) async throws -> DNSAnswer<String> {
    let outcome = try await ask(name, type)
    guard let records = DNSRecords.addresses(outcome.message, type: type), let source = outcome.source else {
      throw failure(outcome, as: ARES_EBADRESP, name)
    }
    guard !records.isEmpty else { throw failure(outcome, as: ARES_ENODATA, name) }
    return DNSAnswer(records: records, source: source)
  }

  private func ask(_ name: String, _ type: DNSRecordType) async throws -> LookupOutcome {
    let outcome = try await lookUp(name, .records(type))
    if type == .srv, outcome.status == ARES_ENODATA {
      throw LocatorError(
        .noServiceRecords,
        "DNS server \(outcome.source.map(\.description) ?? "unknown") knows \(name) but holds no SRV records for it.",
        remedy: "Restart the Netlogon service on the domain controllers (or samba_dnsupdate), so that they register.")
    }
    guard outcome.status == ARES_SUCCESS else {
      throw LocatorError(outcome, name: name, configuration: configuration)
    }
    return outcome
  }

  /// Asks the servers in turn until one has an answer; a server that refuses is followed by the others.
  private func lookUp(_ name: String, _ question: LookupRequest.Question) async throws -> LookupOutcome {
    var outcome = try await lookUp(name, question, configuration)
    let servers = outcome.servers
    var others = servers
    while outcome.isRefusal, let refusing = outcome.source?.server, others.contains(refusing), others.count > 1 {
      others.removeAll { $0 == refusing }
      var configuration = configuration
      configuration.servers = others
      let next = try await lookUp(name, question, configuration)
      // Silence of the others says less than a refusal.
      guard next.source != nil else { break }
      outcome = next
    }
    outcome.servers = servers
    if outcome.isAnswer, let source = outcome.source {
      flow?.established(
        source.transport, host: "", address: source.server.host, port: source.server.port, protection: "none")
    }
    return outcome
  }

  private func lookUp(
    _ name: String, _ question: LookupRequest.Question, _ configuration: Configuration
  ) async throws -> LookupOutcome {
    let cancellation = CancellationFlag()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        thread.submit(
          LookupRequest(
            name: name, question: question, configuration: configuration, cancellation: cancellation,
            continuation: continuation))
      }
    } onCancel: {
      cancellation.request()
      thread.wake()
    }
  }

  private func failure(_ outcome: LookupOutcome, as status: CInt, _ name: String) -> LocatorError {
    var outcome = outcome
    outcome.status = status
    return LocatorError(outcome, name: name, configuration: configuration)
  }

  /// RFC 1123 2.1 names, and underscores for services; lower-case, without the trailing dot.
  static func absolute(_ host: String) throws -> String {
    let name = host.hasSuffix(".") ? String(host.dropLast()) : host
    let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let wellFormed = labels.allSatisfy { label in
      (1...63).contains(label.count)
        && label.allSatisfy { byte in
          switch byte {
          case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
          default: false
          }
        }
    }
    guard wellFormed, name.utf8.count <= 253 else {
      throw LocatorError(
        .invalidName, "'\(host)' is not a DNS name.",
        remedy: "Use letters, digits, hyphens and dots; write an internationalised name in its xn-- form.")
    }
    return name.lowercased()
  }
}

extension LookupOutcome {
  /// c-ares has matched identifier and question, and the server knows whether there are such records.
  fileprivate var isAnswer: Bool { [ARES_SUCCESS, ARES_ENODATA, ARES_ENOTFOUND].contains(status) }
  fileprivate var isRefusal: Bool {
    [ARES_ESERVFAIL, ARES_EREFUSED, ARES_ENOTIMP, ARES_EFORMERR].contains(status)
  }
}

extension Result where Failure == any Error {
  fileprivate static func of(_ body: () async throws -> Success) async -> Self {
    do { return .success(try await body()) } catch { return .failure(error) }
  }
}

extension Duration {
  /// At most an hour: longer waits make no sense on a network.
  var milliseconds: Int {
    let (seconds, attoseconds) = components
    return Int(min(max(seconds, 0), 3600)) * 1000 + Int(clamping: attoseconds / 1_000_000_000_000_000)
  }
}
