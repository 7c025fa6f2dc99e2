// SPDX-License-Identifier: Apache-2.0

import CKerberos
package import FoundationEssentials
package import Logging
package import Wire

/// Authenticates one client principal: gets and renews its tickets and makes security contexts with them.
///
/// Everything lives in memory: the profile, the credential caches, the long-term key. Requests to KDCs are carried by
/// ``KDCTransport``; libkrb5 itself opens no socket. The actor runs on a thread of its own, on which it may block; several
/// providers work at once.
package actor KerberosProvider: SecurityContextProvider {
  /// Where the KDCs of a realm are, best first; numeric addresses, or names when a resolver is given.
  package typealias KDCLocator = @Sendable (_ realm: String) async throws -> [Endpoint]

  let configuration: KerberosConfiguration
  let credentials: KerberosCredentialSource
  private let kdcs: KDCLocator
  private let resolver: (any NameResolver)?
  private let now: @Sendable () -> Date
  private let logger: Logger
  private let thread: SerialThread
  private let transport: KDCTransport
  let library: KerberosLibrary
  let client: Principal
  private var initialTicket: InitialTicket?
  private var skew: ClockSkew?

  private final class InitialTicket {
    let credentials: Credentials
    let cache: MemoryCache

    init(_ credentials: Credentials, _ cache: MemoryCache) {
      self.credentials = credentials
      self.cache = cache
    }
  }

  /// - Parameters:
  ///   - flow: the row under which exchanges with KDCs are recorded (`connect-ad/kerberos`).
  ///   - now: the wall clock, for the skew and for the decision to renew.
  /// - Throws: `SecurityError` when realm or principal cannot be parsed.
  package init(
    _ configuration: KerberosConfiguration, credentials: KerberosCredentialSource, flow: Flow,
    now: @escaping @Sendable () -> Date, logger: Logger, resolver: (any NameResolver)? = nil,
    kdcs: @escaping KDCLocator
  ) throws(SecurityError) {
    guard let thread = SerialThread() else {
      throw SecurityError(
        .internalFailure, "The system refused a thread.", remedy: "Raise the limit on threads of this process.")
    }
    do {
      let library = try KerberosLibrary(configuration)
      let name = configuration.clientName
      client = try library.principal(name.text, enterprise: name.isEnterprise)
      self.library = library
    } catch {
      thread.stop()
      throw error
    }
    self.thread = thread
    self.configuration = configuration
    self.credentials = credentials
    self.kdcs = kdcs
    self.resolver = resolver
    self.now = now
    self.logger = logger
    transport = KDCTransport(
      flow: flow, udpPreferenceLimit: configuration.udpPreferenceLimit, timeouts: configuration.attemptTimeouts)
  }

  deinit { thread.stop() }

  package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  // MARK: - What the provider knows

  /// By how much the KDC's clock was ahead of this machine's in the last exchange, to the second.
  package var clockSkew: Duration? { skew?.ahead }

  /// When the initial ticket expires, by the KDC's clock; nil before the first.
  package var initialTicketExpiry: Date? {
    initialTicket.map { Date(timeIntervalSince1970: Double($0.credentials.lifetime.end)) }
  }

  // MARK: - Contexts

  /// Makes sure of an initial ticket that outlives the renewal margin: proves the credentials.
  package func authenticate() async throws { _ = try await validInitialTicket() }

  /// Gets the service's ticket, and the initial one first if need be. The returned context needs no KDC.
  /// - Throws: `SecurityError`, `CancellationError`, or what the locator of KDCs throws.
  package func initiate(
    _ to: ServicePrincipal, _ parameters: SecurityParameters
  ) async throws -> any SecurityContext {
    let ticket = try await serviceTicket(to)
    return try GSSContext(
      library, ticket: ticket, parameters: parameters, permitted: configuration.encryptionTypes, service: to.description
    )
  }

  // MARK: - Tickets

  private func serviceTicket(_ to: ServicePrincipal) async throws -> Credentials {
    let service = try library.principal(to, defaultRealm: configuration.realm)
    let before = initialTicket
    let granting = try await validInitialTicket()
    do {
      return try await fetch(service, with: granting)
    } catch let error as SecurityError
      where granting === before && (error.code == .ticketExpired || error.code == .clockSkew)
    {
      // The clock was set, or the KDC's key changed, since the ticket was granted: a new one may do.
      logger.info(
        "Kerberos: the KDC refuses the ticket held; getting a new one", metadata: ["cause": "\(error.message)"])
      if initialTicket === granting { initialTicket = nil }
      return try await fetch(service, with: try await validInitialTicket())
    }
  }

  /// Asks one KDC of a realm, over TCP, for a service's ticket, with the client's own ticket and whatever is held of the
  /// service: proves that this KDC accepts what others granted. No password or key of the client is used.
  ///
  /// - Parameter timeout: for each of its answers.
  /// - Returns: in words, what the KDC granted.
  /// - Throws: as ``initiate(_:_:)``; `unknownService` when the KDC accepted the client's ticket and knows no such service.
  package func ticket(
    for to: ServicePrincipal, from kdc: Endpoint, of realm: String, timeout: Duration
  ) async throws -> String {
    let service = try library.principal(to, defaultRealm: configuration.realm)
    let granting = try await validInitialTicket()
    let cache = try MemoryCache(library, owner: granting.credentials.raw.client)
    var copy = granting.credentials.raw
    try library.check(krb5_cc_store_cred(library.context, cache.raw, &copy), "Keeping the ticket")
    let exchange = try TicketExchange(
      library, cache: cache, client: granting.credentials.raw.client, service: service)
    var known = [realm.uppercased(): [KDCAddress(host: "", address: kdc.host, port: kdc.port)]]
    // 0: TCP alone.
    let direct = KDCTransport(flow: transport.flow, udpPreferenceLimit: 0, timeouts: [timeout])
    try await conduct(exchange, .serviceTicket(client: client.name, service: service.name), &known, over: direct)
    let granted = try exchange.credentials()
    return "a ticket for \(service.name), \(EncryptionType.name(granted.sessionEncryptionType)), "
      + "for \(granted.lifetime.end - granted.lifetime.start) s"
  }

  private func fetch(_ service: Principal, with granting: InitialTicket) async throws -> Credentials {
    let ticket = try await fetchOnce(service, with: granting)
    if isUsable(ticket) { return ticket }
    // It came from the cache and is about to expire (services may have shorter tickets than the granting one).
    var stale = ticket.raw
    krb5_cc_remove_cred(library.context, granting.cache.raw, 0, &stale)
    return try await fetchOnce(service, with: granting)
  }

  private func fetchOnce(_ service: Principal, with granting: InitialTicket) async throws -> Credentials {
    let exchange = try TicketExchange(
      library, cache: granting.cache, client: granting.credentials.raw.client, service: service)
    var known: [String: [KDCAddress]] = [:]
    try await conduct(exchange, .serviceTicket(client: client.name, service: service.name), &known)
    return try exchange.credentials()
  }

  private func validInitialTicket() async throws -> InitialTicket {
    if let initialTicket, isUsable(initialTicket.credentials) { return initialTicket }
    var known = [configuration.realm: try await addresses(of: configuration.realm)]
    // While the locator worked, another caller may have done the rest.
    if let initialTicket, isUsable(initialTicket.credentials) { return initialTicket }
    let name = configuration.clientName
    let exchange = try InitialExchange(
      library, client: client, isEnterprise: name.isEnterprise, source: credentials, configuration: configuration)
    let isKeytab = if case .keytab = credentials { true } else { false }
    let kdc = try await conduct(exchange, .initialTicket(client: client.name, fromKeytab: isKeytab), &known)
    let granted = try exchange.credentials()
    // The time inside the ticket is authenticated, unlike that of a refusal.
    try judge(ClockSkew(serverTime: granted.authenticationTime, now: now()), kdc: kdc)
    let cache = try MemoryCache(library, owner: granted.raw.client)
    var copy = granted.raw
    try library.check(krb5_cc_store_cred(library.context, cache.raw, &copy), "Keeping the ticket")
    let ticket = InitialTicket(granted, cache)
    initialTicket = ticket
    logger.debug(
      "Kerberos: initial ticket granted",
      metadata: [
        "client": "\(client.name)", "kdc": "\(kdc)",
        "encryption": "\(EncryptionType.name(granted.sessionEncryptionType))",
        "seconds": "\(granted.lifetime.end - granted.lifetime.start)",
      ])
    return ticket
  }

  private func isUsable(_ ticket: Credentials) -> Bool {
    ticket.lifetime.isUsable(at: now(), skew: skew?.ahead ?? .zero, margin: configuration.renewalMargin)
  }

  // MARK: - Exchanges

  /// Carries requests and answers until libkrb5 is content.
  /// - Returns: the KDC that answered last, empty when the cache sufficed.
  @discardableResult
  func conduct(
    _ exchange: any StepwiseExchange, _ request: KerberosFailure.Request, _ known: inout [String: [KDCAddress]],
    over given: KDCTransport? = nil
  ) async throws -> String {
    var refusal: (error: KerberosErrorMessage, kdc: String, skew: ClockSkew)?
    var kdc = ""
    var answer: [UInt8] = []
    for _ in 0..<Self.maximumRequests {
      let next: KDCRequest?
      switch exchange.next(answer) {
      case .success(let request): next = request
      case .failure(let failure):
        throw KerberosFailure(request: request, realm: configuration.realm, failure: failure, refusal: refusal)
          .securityError
      }
      guard let next else { return kdc }
      if known[next.realm] == nil { known[next.realm] = try await addresses(of: next.realm) }
      let reply = try await carry(next, to: known[next.realm] ?? [], over: given ?? transport)
      kdc = reply.kdc.description
      answer = reply.bytes
      refusal = nil
      if case .error(let error) = reply.reply {
        let skew = ClockSkew(serverTime: error.serverTime, now: now())
        try judge(skew, kdc: kdc)
        refusal = (error, kdc, skew)
      }
    }
    throw SecurityError(
      .refusedByKDC, "The KDCs kept asking for another request (\(Self.maximumRequests) so far).",
      remedy: "Check the trusts between the realms for a loop of referrals.")
  }

  /// Pre-authentication takes two or three requests, each referral one more; MIT follows ten referrals.
  private static let maximumRequests = 24

  private func judge(_ skew: ClockSkew, kdc: String) throws(SecurityError) {
    self.skew = skew
    guard skew.isWithin(configuration.allowedClockSkew) else {
      throw skew.refusal(kdc: kdc, allowed: configuration.allowedClockSkew)
    }
    if !skew.isWithin(Self.remarkableSkew) {
      logger.warning(
        "Kerberos: clocks differ, tickets are made with the KDC's time",
        metadata: ["clock": "\(skew.text) KDC", "kdc": "\(kdc)"])
    }
  }

  /// Half of what Active Directory accepts by default: time to tell someone.
  private static let remarkableSkew = Duration.seconds(150)

  private func carry(
    _ request: KDCRequest, to kdcs: [KDCAddress], over transport: KDCTransport
  ) async throws -> KDCTransport.Answer {
    try Task.checkCancellation()
    let signal = PollInterrupt()
    return try await withTaskCancellationHandler {
      try ask(transport, request, kdcs, signal)
    } onCancel: {
      signal.fire()
    }
  }

  /// A method of the actor, so that what waits for KDCs is the actor's own thread and never one of the cooperative pool.
  private func ask(
    _ transport: KDCTransport, _ request: KDCRequest, _ kdcs: [KDCAddress], _ signal: PollInterrupt
  ) throws -> KDCTransport.Answer {
    try transport.exchange(request.bytes, realm: request.realm, kdcs: kdcs, signal: signal)
  }

  func addresses(of realm: String) async throws -> [KDCAddress] {
    var result: [KDCAddress] = []
    for endpoint in try await kdcs(realm) {
      guard let resolver else {
        result.append(KDCAddress(host: "", address: endpoint.host, port: endpoint.port))
        continue
      }
      // A name that does not resolve is tried as it is, so that it appears among the failures.
      let addresses = (try? await resolver.addresses(of: endpoint.host)) ?? [endpoint.host]
      result += addresses.map {
        KDCAddress(host: $0 == endpoint.host ? "" : endpoint.host, address: $0, port: endpoint.port)
      }
    }
    return result
  }
}
