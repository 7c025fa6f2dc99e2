// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Logging
import Metrics
import SCIM
import Store
import SyncAPI
import Wire

/// Answers requests. One pipeline owns the steps that keep the tenant safe; a route fills in only what is its own.
struct TenantService: Sendable {
  let directory: TenantDirectory
  let logger: Logger
  /// The base URI that references are made of, without a trailing slash.
  let base: @Sendable () async throws -> String
  private let limiter: RateLimiter
  /// By source, of requests without a valid token. A good one costs its source nothing.
  private let strangers: RateLimiter
  private let signIn: SignInService
  private let sync: SyncService

  /// Refusals a second of one source for long, and at once: each costs a look into the directory.
  private static let strangerRate = 10.0
  static let strangerBurst = 100.0

  init(
    directory: TenantDirectory, logger: Logger, tickets: TicketSettings = TicketSettings(),
    base: @escaping @Sendable () async throws -> String
  ) {
    self.directory = directory
    self.logger = logger
    self.base = base
    limiter = RateLimiter(rate: directory.limits.requestsPerSecond, burst: directory.limits.requestBurst)
    strangers = RateLimiter(rate: Self.strangerRate, burst: Self.strangerBurst)
    signIn = SignInService(directory: directory, logger: logger, tickets: tickets)
    sync = SyncService(directory: directory, logger: logger)
  }

  /// What is known of a request as it goes through the pipeline, for the log.
  private struct Progress {
    var template = "-"
    var token = "-"
  }

  /// Never throws: whatever goes wrong becomes an answer.
  func answer(_ request: TenantRequest) async -> TenantAnswer {
    let started = ContinuousClock.now
    let id = Identifier.make(directory.environment.random)
    var progress = Progress()
    var answer: TenantAnswer
    do {
      answer = try await process(request, id, &progress)
    } catch let error as Refusal {
      answer = error.answer
    } catch let error as SCIMError {
      answer = TenantAnswer(error: error)
    } catch is CancellationError {
      answer = TenantAnswer(error: SCIMError(status: 503, detail: "The server is shutting down."))
        .with("retry-after", "5")
    } catch {
      answer = unexpected(error, id)
    }
    answer = answer.with("x-request-id", id).with("cache-control", "no-store")
    record(request, answer, id, progress, ContinuousClock.now - started)
    return answer
  }

  private func process(_ request: TenantRequest, _ id: String, _ progress: inout Progress) async throws -> TenantAnswer
  {
    // 0. People and applications that sign in, and the Sync API, have pipelines of their own.
    if let path = signIn.path(of: request.target) {
      let (answer, template) = await signIn.answer(request, path: path, base: try await base(), id: id)
      progress.template = template
      return answer
    }
    if SyncService.serves(request.target) {
      let (answer, done) = await sync.answer(request, base: try await base(), id: id)
      progress.template = "\(SyncEndpoint.path)#\(done.operation)"
      progress.token = done.client
      return answer
    }
    // 1. The target's size and form.
    guard request.target.utf8.count <= directory.limits.targetBytes else {
      throw SCIMError(status: 414, detail: "The request target is longer than \(directory.limits.targetBytes) bytes.")
    }
    // 2. Who asks, unless requests from there were refused too often.
    let now = directory.environment.now()
    let source = ClientSource.of(request.source)
    if let seconds = strangers.pause(of: source, at: now) {
      throw Refusal.tooMany("Too many requests without a valid token have come from there.", seconds)
    }
    guard let token = try await authenticate(request) else {
      _ = strangers.refusal(for: source, at: now)
      throw Refusal.unauthorized
    }
    progress.token = token.id
    // 3. How often.
    if let seconds = limiter.refusal(for: token.id, at: now) {
      throw Refusal.tooMany("This token has sent too many requests.", seconds)
    }
    // 4. For what.
    let target = try RequestTarget(request.target)
    let place = try Route.find(target.segments)
    progress.template = place.template
    guard let route = place.methods.first(where: { $0.name == request.method })?.route else {
      throw Refusal(
        answer: TenantAnswer(error: .methodNotAllowed("\(place.template) does not know \(request.method.prefix(16))."))
          .with("allow", place.methods.map(\.name).joined(separator: ", ")))
    }
    // 5. Whether the token allows it.
    guard token.allows(route.scope) else {
      throw SCIMError.forbidden("The token lacks the scope \(route.scope.rawValue).")
    }
    // 6. The body, within its limits.
    let body = try await body(of: request)
    // 7. The work.
    let call = Call(
      target: target, body: body, base: try await base(), actor: Actor(who: token.id, request: id),
      preconditions: try Preconditions(
        ifMatch: request.headers["if-match"], ifNoneMatch: request.headers["if-none-match"]),
      isPeerThere: request.isPeerThere)
    return try await RouteHandler(directory: directory, call: call).handle(route)
  }

  /// Nothing tells a caller why a token was not accepted.
  private func authenticate(_ request: TenantRequest) async throws -> TokenRecord? {
    guard let header = request.headers["authorization"] else { return nil }
    let parts = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
    return try await directory.authenticate(parts[1].drop { $0 == " " })
  }

  private func body(of request: TenantRequest) async throws -> [UInt8] {
    guard ["POST", "PUT", "PATCH"].contains(request.method) else { return [] }
    let maximum = directory.limits.bodyBytes
    if let length = request.headers["content-length"].flatMap({ Int($0) }), length > maximum {
      throw SCIMError.payloadTooLarge("The body has \(length) bytes; at most \(maximum) are accepted.")
    }
    if let type = request.headers["content-type"] {
      let name = type.prefix { $0 != ";" && $0 != " " }.lowercased()
      guard name == SCIMURI.mediaType || name == "application/json" else {
        throw SCIMError(status: 415, detail: "The body must be \(SCIMURI.mediaType), not \(name.prefix(64)).")
      }
    }
    return try await request.body(maximum)
  }

  private func unexpected(_ error: any Error, _ id: String) -> TenantAnswer {
    logger.error("request failed", metadata: ["request": "\(id)", "error": "\(error)"])
    if let error = error as? StoreError, [.locked, .diskFull].contains(error.code) {
      let refusal = SCIMError(status: 503, detail: "The directory cannot be changed at the moment. Request \(id).")
      return TenantAnswer(error: refusal).with("retry-after", "5")
    }
    return TenantAnswer(error: SCIMError(status: 500, detail: "The request could not be served. Request \(id)."))
  }

  private func record(
    _ request: TenantRequest, _ answer: TenantAnswer, _ id: String, _ progress: Progress, _ duration: Duration
  ) {
    let microseconds = duration / .microseconds(1)
    // Only known words become dimensions, so that no client can make series.
    let method = ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(request.method) ? request.method : "other"
    logger.info(
      "request",
      metadata: [
        "method": "\(method)", "path": "\(progress.template)", "status": "\(answer.status)",
        "duration_us": "\(Int(microseconds))", "request": "\(id)", "token": "\(progress.token)",
      ])
    let dimensions = [("method", method), ("path", progress.template)]
    Counter(label: "bridgehead_tenant_requests_total", dimensions: dimensions + [("status", "\(answer.status)")])
      .increment()
    Metrics.Timer(label: "bridgehead_tenant_request_duration", dimensions: dimensions)
      .recordNanoseconds(Int64(microseconds * 1000))
  }
}

/// A refusal whose answer has header fields of its own.
private struct Refusal: Error {
  let answer: TenantAnswer

  static let unauthorized = Refusal(
    answer: TenantAnswer(error: .unauthorized("A valid bearer token is required."))
      .with("www-authenticate", "Bearer realm=\"bridgehead\""))

  static func tooMany(_ detail: String, _ seconds: Int) -> Refusal {
    Refusal(answer: TenantAnswer(error: .tooManyRequests(detail)).with("retry-after", String(seconds)))
  }
}

/// A request that has passed the pipeline.
struct Call: Sendable {
  let target: RequestTarget
  let body: [UInt8]
  let base: String
  let actor: Actor
  let preconditions: Preconditions
  /// Whether the client still waits for the answer.
  let isPeerThere: @Sendable () async -> Bool
}
