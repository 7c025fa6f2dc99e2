// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTP
import Logging
import Wire

/// One request to the service, as often as it takes: token, throttling, retries, and what is known at the end.
struct SCIMTransport: Sendable {
  /// What may be done when nobody knows whether an attempt was carried out.
  enum Repetition: Sendable {
    /// Doing it twice is the same as doing it once.
    case safe
    /// Doing it twice makes two: the outcome is unknown.
    case unsafe
  }

  struct Request: Sendable {
    var method: String
    /// Below the base URI, percent-encoded, with its query.
    var path: String
    var body: JSONValue?
    var ifMatch: EntityTag?
    var ifNoneMatch: EntityTag?
    var repetition: Repetition

    /// For error texts: without the query, which may hold personal data.
    var name: String { "\(method) \(path.prefix { $0 != "?" })" }
  }

  struct Answer: Sendable {
    var status: Int
    var body: JSONValue?
    var fields: HTTPFields
    /// Whether an earlier attempt may have been carried out.
    var followsUnknownOutcome: Bool
  }

  let configuration: SCIMClientConfiguration
  let http: HTTPClient
  let token: @Sendable () async throws -> SecretBytes
  let timing: SCIMClientTiming
  let logger: Logger
  let throttle: Throttle

  /// - Returns: an answer with a status below 400.
  func send(_ request: Request) async throws(SCIMClientError) -> Answer {
    let body = request.body?.serialized() ?? []
    var isUnknown = false
    var rejected: (authorization: String, error: SCIMClientError)?
    var attempt = 1
    while true {
      try await pauseIfThrottled()
      let authorization = try await bearer()
      if let rejected, rejected.authorization == authorization { throw rejected.error }
      let (error, mayRetry): (SCIMClientError, Bool)
      switch await exchange(request, body, authorization) {
      case .success(var answer):
        if (200..<400).contains(answer.status) {
          answer.followsUnknownOutcome = isUnknown
          return answer
        }
        if isUnknown, request.method == "DELETE", answer.status == 404 {
          return Answer(status: 204, body: nil, fields: answer.fields, followsUnknownOutcome: true)
        }
        let failure = SCIMClientError(
          status: answer.status, body: answer.body.flatMap(SCIMErrorBody.init), request: request.name,
          retryAfter: answer.fields["Retry-After"].flatMap { RetryAfter.parse($0, now: timing.now()) })
        if isUnknown, request.ifMatch != nil, failure.code == .preconditionFailed {
          // The change that was not confirmed may be the one that moved the version on.
          throw failure.withUnknownOutcome(request.name)
        }
        if failure.code == .unauthorized, rejected == nil {
          // The token may have been renewed since: once more, but only with another one.
          rejected = (authorization, failure)
          continue
        }
        (error, mayRetry) = (failure, try decide(failure, request, &isUnknown))
      case .failure(let failure):
        let decoded = SCIMClientError(failure, request: request.name)
        if failure.mayHaveReachedServer {
          guard request.repetition == .safe else { throw decoded.withUnknownOutcome(request.name) }
          isUnknown = true
        }
        (error, mayRetry) = (decoded, [.unreachable, .timedOut].contains(decoded.code))
      }
      guard mayRetry, attempt < configuration.retry.maximumAttempts else { throw error }
      try await backOff(after: attempt, error, request)
      attempt += 1
    }
  }

  /// Whether an answer's status is worth another attempt.
  private func decide(
    _ failure: SCIMClientError, _ request: Request, _ isUnknown: inout Bool
  ) throws(SCIMClientError) -> Bool {
    switch failure.status {
    case 429, 503:
      // The service itself says that it did not take the request.
      if let wait = failure.retryAfter, wait > configuration.retry.maximumRetryAfter { return false }
      return true
    case 408, 502, 504:
      // A gateway speaks; whether the service has done it, it does not know.
      guard request.repetition == .safe else { throw failure.withUnknownOutcome(request.name) }
      isUnknown = true
      return true
    default: return false
    }
  }

  private func backOff(after attempt: Int, _ error: SCIMClientError, _ request: Request) async throws(SCIMClientError) {
    let computed = configuration.retry.backoff.wait(afterFailures: attempt, jitter: timing.random())
    let delay = error.retryAfter.map { $0 + .milliseconds(100) * timing.random() } ?? computed
    logger.info(
      "scim.retry",
      metadata: [
        "request": "\(request.name)", "attempt": "\(attempt)", "wait_s": "\(delay / .seconds(1))",
        "error": "\(error.identifier)",
      ])
    if error.code == .throttled || error.retryAfter != nil {
      await throttle.pause(for: delay)
      return
    }
    do { try await timing.sleep(delay) } catch { throw Self.cancelled }
  }

  private func pauseIfThrottled() async throws(SCIMClientError) {
    do { try await throttle.wait() } catch { throw Self.cancelled }
  }

  private static let cancelled = SCIMClientError(.cancelled, "The request was cancelled before it was sent.")

  private func bearer() async throws(SCIMClientError) -> String {
    let secret: SecretBytes
    do { secret = try await token() } catch {
      let reason = (error as? any DiagnosableError)?.message ?? "its source failed"
      throw SCIMClientError(
        .noToken, "There is no bearer token for \(configuration.baseURL.endpoint): \(reason)",
        remedy: (error as? any DiagnosableError)?.remedy)
    }
    let text = secret.withBytes { bytes -> String? in
      // token68 of RFC 9110 11.2.
      let isToken = bytes.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "-._~+/=".utf8.contains(byte)
        }
      }
      return isToken && !bytes.isEmpty ? String(decoding: bytes, as: UTF8.self) : nil
    }
    guard let text else {
      throw SCIMClientError(.noToken, "The bearer token is empty or has characters that a token cannot have.")
    }
    return "Bearer \(text)"
  }

  private func exchange(
    _ request: Request, _ body: [UInt8], _ authorization: String
  ) async -> Result<Answer, HTTPError> {
    do throws(HTTPError) {
      let base = configuration.baseURL.target
      let target = (base.hasSuffix("/") ? String(base.dropLast()) : base) + request.path
      var message = HTTPRequest(request.method, try configuration.baseURL.with(target: target), body: body)
      message.fields["Authorization"] = authorization
      message.fields["Accept"] = "\(SCIMURI.mediaType), application/json;q=0.9"
      if request.body != nil { message.fields["Content-Type"] = SCIMURI.mediaType }
      message.fields["If-Match"] = request.ifMatch?.description
      message.fields["If-None-Match"] = request.ifNoneMatch?.description
      message.deadline = configuration.deadline
      message.maximumResponseBytes = configuration.maximumAnswerBytes
      message.isReplayable = request.repetition == .safe
      let response = try await http.send(message)
      return .success(try decode(response, request))
    } catch {
      return .failure(error)
    }
  }

  private func decode(_ response: HTTPResponse, _ request: Request) throws(HTTPError) -> Answer {
    var answer = Answer(status: response.status, body: nil, fields: response.fields, followsUnknownOutcome: false)
    guard !response.body.isEmpty else { return answer }
    do {
      answer.body = try JSONValue.parse(
        response.body, limits: JSONLimits(maximumBytes: configuration.maximumAnswerBytes))
    } catch {
      // A gateway's page in HTML: the status says what there is to know.
      guard response.status < 400 else { return answer }
      throw HTTPError(
        .malformedResponse, "The answer is not JSON: \(error.detail)", mayHaveReachedServer: true)
    }
    return answer
  }
}
