// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Logging
import SCIM
import Store
import SyncAPI
import WebIdentity
import Wire

/// The Sync API, served over the tenant's own directory. One pipeline owns the steps that keep it safe.
///
/// The token stands in the body, so that some of it has to be read before anybody is known: the source's rate is looked at
/// before, and of the body only the header until the token is known to be good.
struct SyncService: Sendable {
  let directory: TenantDirectory
  let logger: Logger
  private let keyring: SigningKeyring
  private let sources: RateLimiter
  private let clients: RateLimiter

  /// Requests a second of one source for long, and at once: each may carry the largest body.
  private static let sourceRate = 20.0
  private static let sourceBurst = 100.0

  init(directory: TenantDirectory, logger: Logger) {
    self.directory = directory
    self.logger = logger
    keyring = SigningKeyring(directory: directory)
    sources = RateLimiter(rate: Self.sourceRate, burst: Self.sourceBurst)
    clients = RateLimiter(rate: directory.limits.requestsPerSecond, burst: directory.limits.requestBurst)
  }

  static func serves(_ target: String) -> Bool {
    target.prefix { $0 != "?" }.lowercased() == SyncEndpoint.path
  }

  /// What is known of a request as it goes through the pipeline, for the log.
  struct Progress: Sendable {
    var operation = "-"
    var client = "-"
    fileprivate var messageID = ""
  }

  /// Never throws: whatever goes wrong becomes an answer.
  func answer(_ request: TenantRequest, base: String, id: String) async -> (TenantAnswer, Progress) {
    var progress = Progress()
    do {
      return (try await process(request, base, id, &progress), progress)
    } catch let error as SyncRefusal {
      return (fault(error.fault, progress), progress)
    } catch let error as SyncAPIError {
      return (fault(SyncFault(.sender, error.message, code: error.identifier), progress), progress)
    } catch let error as SCIMError {
      var answer = TenantAnswer(status: error.status)
      if error.status == 429 { answer = answer.with("retry-after", "1") }
      return (answer, progress)
    } catch let error as HTTPRefusal {
      return (error.answer, progress)
    } catch {
      logger.error("synchronisation request failed", metadata: ["request": "\(id)", "error": "\(error)"])
      if let error = error as? StoreError, [.locked, .diskFull].contains(error.code) {
        return (TenantAnswer(status: 503).with("retry-after", "5"), progress)
      }
      return (fault(SyncFault(.receiver, "The request could not be served. Request \(id)."), progress), progress)
    }
  }

  private func process(
    _ request: TenantRequest, _ base: String, _ id: String, _ progress: inout Progress
  ) async throws -> TenantAnswer {
    // 1. The method and the media type.
    guard request.method == "POST" else { throw HTTPRefusal(TenantAnswer(status: 405).with("allow", "POST")) }
    let type = request.headers["content-type"]?.prefix { $0 != ";" && $0 != " " }.lowercased()
    guard type == SyncEndpoint.mediaType else { throw HTTPRefusal(TenantAnswer(status: 415)) }
    // 2. How often from there.
    let now = directory.environment.now()
    try Self.check(sources, ClientSource.of(request.source), now)
    // 3. The body, within its limits.
    let maximum = directory.limits.bodyBytes
    if let length = request.headers["content-length"].flatMap({ Int($0) }), length > maximum {
      throw HTTPRefusal(TenantAnswer(status: 413))
    }
    let body = try await request.body(maximum)
    // 4. Its header alone.
    var incoming = try SyncEnvelope.Incoming(body)
    progress.messageID = String(incoming.header.messageID.prefix(128))
    // 5. Who asks, and what for.
    let caller = try await authenticate(incoming.header, base, now)
    progress.client = caller.permission.application
    // 6. How often.
    try Self.check(clients, caller.permission.application, now)
    // 7. The work.
    guard let operation = Operation(rawValue: incoming.header.operation) else {
      throw SyncRefusal(code: "ActionNotSupported", detail: "There is no such operation here.")
    }
    progress.operation = operation.rawValue
    guard !operation.changesPasswords || caller.permission.passwords else {
      throw SyncRefusal(code: "AccessDenied", detail: "The application may not synchronise passwords.")
    }
    let actor = Actor(who: caller.who, request: id)
    let envelope = try await SyncHandler(directory: directory, actor: actor).handle(operation, &incoming)
    return Self.answer(200, envelope)
  }

  private static func check(_ limiter: RateLimiter, _ key: String, _ now: Date) throws {
    guard let seconds = limiter.refusal(for: key, at: now) else { return }
    throw HTTPRefusal(TenantAnswer(status: 429).with("retry-after", String(seconds)))
  }

  private struct Caller {
    let permission: SyncPermission
    /// For the audit log.
    let who: String
  }

  /// Nothing tells a caller why a token was not accepted. What it allows is looked up each time, so that taking it away
  /// counts at once.
  private func authenticate(_ header: RequestHeader, _ base: String, _ now: Date) async throws -> Caller {
    let origin = base.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3).joined(
      separator: "/")
    let issuer = "\(origin)/\(directory.initialDomain)"
    let text = header.token.withBytes { bytes -> String in
      let text = String(decoding: bytes, as: UTF8.self)
      return text.hasPrefix("Bearer ") ? String(text.dropFirst(7)) : text
    }
    guard
      let claims = SignedToken(text)?.verify(by: try await keyring.published(), type: .access, as: AccessClaims.self),
      claims.issuer == issuer, claims.audience == SyncEndpoint.resource,
      Double(claims.expires) > now.timeIntervalSince1970
    else {
      throw SyncRefusal(code: "InvalidAccessToken", detail: "A valid access token of this tenant is required.")
    }
    if let grant = claims.grant, try await !directory.isLive(grant: grant) {
      throw SyncRefusal(code: "InvalidAccessToken", detail: "A valid access token of this tenant is required.")
    }
    let user = claims.grant == nil ? nil : claims.subject
    guard let permission = try await directory.syncPermission(application: claims.client, user: user) else {
      throw SyncRefusal(
        code: "AccessDenied", detail: "The application may not synchronise; 'bridgehead tenant sync allow' lets it.")
    }
    return Caller(
      permission: permission,
      who: user.map { "application:\(claims.client) user:\($0)" } ?? "application:\(claims.client)")
  }

  /// .NET's services send faults with status 500, and its clients look for them there.
  private func fault(_ fault: SyncFault, _ progress: Progress) -> TenantAnswer {
    Self.answer(500, SyncEnvelope.answer(fault, relatesTo: progress.messageID))
  }

  private static func answer(_ status: Int, _ envelope: [UInt8]) -> TenantAnswer {
    var answer = TenantAnswer(status: status).with("content-type", SyncEndpoint.mediaType)
    answer.body = envelope
    return answer
  }

  /// A refusal in HTTP's words alone, before anything of the message is known.
  private struct HTTPRefusal: Error {
    let answer: TenantAnswer
    init(_ answer: TenantAnswer) { self.answer = answer }
  }
}
