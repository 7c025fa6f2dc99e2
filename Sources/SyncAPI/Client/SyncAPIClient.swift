// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import HTTP
package import Logging
package import NIOCore
import Synchronization
package import Wire

/// Where the service is, and how patient its client.
package struct SyncAPIClientConfiguration: Sendable {
  /// For example `https://adminwebservice.microsoftonline.com/provisioningservice.svc`.
  package var url: HTTPURL
  /// For one attempt, from its first step to the last byte of the answer: a batch of objects takes the service a while.
  package var deadline: TimeAmount = .seconds(120)
  /// Attempts of one operation, the first included.
  package var maximumAttempts = 5
  package var backoff = Backoff(first: .milliseconds(500), longest: .seconds(60))
  /// A service that asks for a longer wait is left alone until the next run.
  package var maximumRetryAfter = Duration.seconds(300)
  /// Redirects of one operation: public clients of the service follow three.
  package var maximumRedirects = 3
  package var maximumAnswerBytes = SyncAPILimits.answerBytes

  package init(url: HTTPURL) { self.url = url }
}

/// A client of the Sync API. Every operation may be repeated: objects are named by their anchors, and doing it twice is doing
/// it once.
package final class SyncAPIClient: Sendable {
  package let configuration: SyncAPIClientConfiguration
  private let http: HTTPClient
  private let tokens: any SyncTokenSource
  private let now: @Sendable () -> Date
  private let sleep: @Sendable (Duration) async throws -> Void
  private let random: @Sendable (Int) -> [UInt8]
  private let logger: Logger
  private let boundary: CloudBoundary
  /// Where the service last sent its client.
  private let place: Mutex<HTTPURL>

  package init(
    _ configuration: SyncAPIClientConfiguration, http: HTTPClient, tokens: any SyncTokenSource, logger: Logger,
    now: @escaping @Sendable () -> Date, random: @escaping @Sendable (Int) -> [UInt8],
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.configuration = configuration
    self.http = http
    self.tokens = tokens
    self.logger = logger
    self.now = now
    self.random = random
    self.sleep = sleep
    boundary = CloudBoundary(configuration.url)
    place = Mutex(configuration.url)
  }

  /// - Throws: ``SyncAPIError``.
  package func perform<Call: SyncCall>(_ call: Call) async throws(SyncAPIError) -> Call.Answer {
    var (attempt, redirects, hasRenewed) = (1, 0, false)
    while true {
      let failure: SyncAPIError
      do throws(SyncAPIError) {
        return try await exchange(call)
      } catch {
        failure = error
      }
      if let target = failure.fault?.redirect, redirects < configuration.maximumRedirects {
        redirects += 1
        try follow(target)
        continue
      }
      if failure.fault?.code == Self.tokenRefusal, !hasRenewed {
        hasRenewed = true
        await tokens.discard()
        continue
      }
      guard let delay = delay(after: attempt, failure), attempt < configuration.maximumAttempts else { throw failure }
      attempt += 1
      logger.info(
        "syncapi.retry",
        metadata: [
          "operation": "\(Call.operation)", "attempt": "\(attempt)", "wait_s": "\(delay / .seconds(1))",
          "error": "\(failure.identifier)",
        ])
      do { try await sleep(delay) } catch { throw SyncAPIError(.cancelled, "The operation was cancelled.") }
    }
  }

  /// The word of a fault for a token that is not accepted. It is the tenant's; what Entra ID says was never seen, and tokens are
  /// renewed before they end.
  private static let tokenRefusal = "InvalidAccessToken"

  private func exchange<Call: SyncCall>(_ call: Call) async throws(SyncAPIError) -> Call.Answer {
    let url = place.withLock { $0 }
    let token: SecretBytes
    do { token = try await tokens.token() } catch let error as SyncAPIError { throw error } catch {
      let reason = (error as? any DiagnosableError)?.message ?? "its source failed."
      throw SyncAPIError(.noToken, reason, remedy: (error as? any DiagnosableError)?.remedy)
    }
    let identifier = Self.identifier(random(16))
    let header = RequestHeader(
      operation: Call.operation, token: token, messageID: "urn:uuid:\(identifier)", to: url.description)
    var request = HTTPRequest("POST", url, body: SyncEnvelope.request(call, header))
    request.fields["Content-Type"] = SyncEndpoint.mediaType
    request.fields["Accept"] = SyncEndpoint.mediaType
    request.fields["client-request-id"] = identifier
    request.fields["x-ms-aadmsods-apiaction"] = Call.operation
    request.fields["x-ms-aadmsods-appid"] = RequestHeader.applicationID
    request.fields["x-ms-aadmsods-clientversion"] = RequestHeader.clientVersion
    request.fields["x-ms-aadmsods-dirsyncbuildnumber"] = RequestHeader.buildNumber
    request.fields["x-ms-aadmsods-fimbuildnumber"] = RequestHeader.buildNumber
    request.deadline = configuration.deadline
    request.maximumResponseBytes = configuration.maximumAnswerBytes
    request.isReplayable = true
    let response: HTTPResponse
    do throws(HTTPError) { response = try await http.send(request) } catch {
      throw SyncAPIError(error, Call.operation)
    }
    return try read(response, of: Call.self)
  }

  private func read<Call: SyncCall>(_ response: HTTPResponse, of call: Call.Type) throws(SyncAPIError) -> Call.Answer {
    let type = response.fields["Content-Type"]?.prefix { $0 != ";" && $0 != " " }.lowercased()
    // A fault travels with status 500, as .NET sends it.
    if response.status == 200 || response.status == 500 || response.status == 400, type == SyncEndpoint.mediaType {
      return try SyncEnvelope.readAnswer(response.body, to: call)
    }
    if [307, 308].contains(response.status), let location = response.fields["Location"] {
      throw SyncAPIError(
        SyncFault(.receiver, "The service is elsewhere.", redirect: location), Call.operation)
    }
    var error: SyncAPIError
    switch response.status {
    case 429, 503:
      error = SyncAPIError(
        .throttled, "The service answered \(response.status) to \(Call.operation): it wants to be left alone.")
      error.retryAfter = response.fields["Retry-After"].flatMap { RetryAfter.parse($0, now: now()) }
    case 200:
      error = SyncAPIError(.malformed, "The answer to \(Call.operation) is no binary SOAP envelope.")
    case 408, 500...:
      error = SyncAPIError(.unavailable, "The service answered \(response.status) to \(Call.operation).")
    default:
      error = SyncAPIError(.refused, "The service answered \(response.status) to \(Call.operation).")
    }
    error.status = response.status
    throw error
  }

  /// - Throws: ``SyncAPIError`` `badRedirect`.
  private func follow(_ target: String) throws(SyncAPIError) {
    let shown = MessageReader.shown(target)
    let url: HTTPURL
    do throws(HTTPError) { url = try HTTPURL(target) } catch {
      throw SyncAPIError(.badRedirect, "The service sends its clients to \(shown), which is no usable address.")
    }
    guard boundary.allows(url) else {
      throw SyncAPIError(
        .badRedirect,
        "The service sends its clients to \(shown), which is not of the same cloud; nothing was sent there.")
    }
    logger.notice("the service is elsewhere", metadata: ["host": "\(url.host)"])
    place.withLock { $0 = url }
  }

  /// How long to wait before another attempt; nil when there is no use in one.
  private func delay(after attempt: Int, _ error: SyncAPIError) -> Duration? {
    switch error.code {
    case .throttled:
      if let wait = error.retryAfter { return wait > configuration.maximumRetryAfter ? nil : wait }
    case .unreachable, .timedOut, .unavailable: break
    // .NET's services say so when all their workers are busy.
    case .fault where error.fault?.reason.contains("too busy") ?? false: break
    default: return nil
    }
    return configuration.backoff.wait(afterFailures: attempt, jitter: Double(random(1).first ?? 0) / 255)
  }

  /// RFC 9562 5.4.
  private static func identifier(_ random: [UInt8]) -> String {
    var bytes = random
    guard bytes.count == 16 else { return Hex.encode(bytes) }
    bytes[7] = bytes[7] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    return GUID(bytes)?.description ?? Hex.encode(bytes)
  }
}

extension SyncAPIError {
  init(_ error: HTTPError, _ operation: String) {
    let code: Code =
      switch error.code {
      case .untrusted: .untrusted
      case .timedOut: .timedOut
      case .tooLarge: .tooLarge
      case .malformedResponse: .malformed
      case .badRedirect: .badRedirect
      case .badRequest: .refused
      case .cancelled, .shutDown: .cancelled
      default: .unreachable
      }
    self.init(code, "\(operation) failed: \(error.message)", remedy: error.remedy)
  }
}
