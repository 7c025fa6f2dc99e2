// SPDX-License-Identifier: Apache-2.0

package import Logging
package import PasswordWriteback
package import Store
import Wire

/// Carries out what a tenant asks for, as far as this server lets it. Each request goes through the same steps:
///
/// 1. **nonce**: it was not seen before; one that was is told how it ended, and nothing else happens;
/// 2. **limits**: not too many in all, and not too many for this user;
/// 3. **message**: it has the right form, tenant and key, and its time is not over;
/// 4. **open**: only what was encrypted for this request opens;
/// 5. **user**: a synchronised user, asked for live, in an allowed unit and not protected;
/// 6. **intent**: durable, with the version of the password, before the first byte that could change it;
/// 7. **stroke**: once;
/// 8. **outcome**: durable, then told to the tenant until it has heard.
///
/// Steps 1 to 3 are ``admit(_:)``, for one request after the other, so that the limits hold whatever is under way; the rest is
/// ``carryOut(_:)``, for several at a time (``WritebackLoop``). After an interruption between 6 and 8 the version of the
/// password says what happened (``settle(except:)``).
package struct WritebackService: Sendable {
  let settings: WritebackSettings
  let channel: any WritebackChannel
  let directories: [any WritebackDirectory]
  let store: any Store
  let logger: Logger
  /// Seconds since 1970.
  let now: @Sendable () -> Double

  package init(
    settings: WritebackSettings, channel: any WritebackChannel, directories: [any WritebackDirectory], store: any Store,
    logger: Logger, now: @escaping @Sendable () -> Double
  ) {
    self.settings = settings
    self.channel = channel
    self.directories = directories
    self.store = store
    self.logger = logger
    self.now = now
  }

  package enum Step: Sendable, Equatable {
    case nothing
    case handled(WritebackOutcome.Status)
    /// There were more requests than this server takes.
    case flooded
  }

  /// Waits for a request and handles it: ``WritebackLoop`` for one at a time.
  package func next(waiting seconds: Int) async throws -> Step {
    guard let envelope = try await fetch(waiting: seconds, holding: []) else { return .nothing }
    switch try await admit(envelope) {
    case .answered(let status, let isFlood): return isFlood ? .flooded : .handled(status)
    case .admitted(let ticket): return .handled(try await carryOut(ticket))
    }
  }

  /// Waits for a request.
  ///
  /// - Parameter held: the identifiers of those that are in hand: what the tenant handed out and does not find among them was
  ///   lost on its way.
  func fetch(waiting seconds: Int, holding held: [String]) async throws -> WritebackEnvelope? {
    guard let message = try await channel.next(waiting: seconds, holding: held) else { return nil }
    do { return try message.envelope() } catch {
      try await store.write { [event = event(message, "forbidden", error.message)] in try event.insert($0) }
      throw error
    }
  }

  /// Steps 4 to 8 of a request that was admitted.
  func carryOut(_ ticket: WritebackTicket) async throws -> WritebackOutcome.Status {
    let outcome = try await handle(ticket.envelope, ticket.digest)
    try await tell(ticket.id, outcome)
    return outcome.status
  }

  func tell(_ id: String, _ outcome: WritebackOutcome) async throws {
    try await channel.answer(id, outcome)
    guard outcome.status != .unknown else { return }
    _ = try await store.write { transaction in
      try transaction.run("UPDATE writeback_request SET answered = 1 WHERE nonce = ?", [.text(id)])
    }
  }

  // MARK: - The steps

  private func handle(_ envelope: WritebackEnvelope, _ digest: [UInt8]) async throws -> WritebackOutcome {
    let header = envelope.header
    guard Double(header.expires) / 1000 > now() else {
      return try await refuse(header, digest, .expired, "it was over before its turn came")
    }
    // 4. open
    let secrets: WritebackSecrets
    do { secrets = try envelope.open(with: settings.key) } catch {
      return try await refuse(header, digest, .undecipherable, error.message)
    }
    // 5. user
    guard let (place, directory) = try await locate(header.anchor) else {
      return try await refuse(header, digest, .notSynchronised, "no synchronised user has this anchor")
    }
    return try await write(header, digest, secrets, place, directory)
  }

  /// An account that may be changed, and the call that does it.
  private struct Readiness: Closable {
    let session: any WritebackSession
    let account: WritebackAccount
    let stroke: WritebackStroke
    let place: WritebackPlace

    func close() async {
      await stroke.close()
      await session.close()
    }
  }

  /// Why it is not changed: said by this server's own rules.
  private struct Refusal: Error {
    let reason: WritebackOutcome.Reason
    let detail: String
    let place: WritebackPlace?
  }

  /// The directory was not ready to write within the time that it had.
  private struct NotReady: DiagnosableError {
    let seconds: Double

    var identifier: String { "connect.writeback.timeLimit" }
    var message: String { "It was not ready within \(seconds) s." }
    var remedy: String {
      "Look whether the domain controller is overloaded, or a firewall lets connections through and no more."
    }
  }

  private func write(
    _ header: WritebackHeader, _ digest: [UInt8], _ secrets: WritebackSecrets, _ place: WritebackPlace,
    _ directory: any WritebackDirectory
  ) async throws -> WritebackOutcome {
    // Nothing has been changed until the stroke: this much may be given up at any moment.
    let left = max(0, min(WritebackSettings.preparationTime, Double(header.expires) / 1000 - now()))
    let ready: Readiness
    do {
      let prepared = try await withTimeLimit(.seconds(left), discard: { await $0.close() }) {
        try await prepare(header.operation, place, directory)
      }
      guard let prepared else { throw NotReady(seconds: left) }
      ready = prepared
    } catch let refusal as Refusal {
      return try await refuse(header, digest, refusal.reason, refusal.detail, refusal.place)
    } catch let error where !Self.isCancelled(error) {
      return try await fail(header, digest, place, .unreachable, error)
    }
    return try await ready.use { ready in
      guard Double(header.expires) / 1000 > now() else {
        return try await refuse(header, digest, .expired, "it was over before everything was ready", ready.place)
      }
      return try await strike(header, digest, secrets, ready)
    }
  }

  private func prepare(
    _ operation: WritebackOperation, _ known: WritebackPlace, _ directory: any WritebackDirectory
  ) async throws -> Readiness {
    let session = try await directory.open(known.domain, preferring: nil)
    return try await session.closingOnFailure { session in
      var place = known
      place.server = session.server
      guard let account = try await session.account(place.identifier) else {
        throw Refusal(
          reason: .notSynchronised, detail: "the directory has no such account any more", place: nil)
      }
      place.distinguishedName = account.distinguishedName
      if let (reason, detail) = directory.policy.refusal(of: account) {
        throw Refusal(reason: reason, detail: detail, place: place)
      }
      let stroke = try await session.prepare(operation, account)
      return Readiness(session: session, account: account, stroke: stroke, place: place)
    }
  }

  private func strike(
    _ header: WritebackHeader, _ digest: [UInt8], _ secrets: WritebackSecrets, _ ready: Readiness
  ) async throws -> WritebackOutcome {
    let (place, account) = (ready.place, ready.account)
    // 6. intent
    var record = WritebackRecord(
      header: header, digest: digest, at: now(), state: .intent, place: place, before: account.password)
    let intent = event(
      header, "intent", "password version \(account.password.version.map(String.init) ?? "unknown")", place)
    try await store.write(durability: .full) { [record] transaction in
      try record.decide(in: transaction)
      try intent.insert(transaction)
    }
    // 7. stroke
    do {
      let reason = try await ready.stroke.run(secrets)
      let after = try? await ready.session.account(place.identifier)
      // 8. outcome
      let outcome = WritebackOutcome(.done, reason, version: after?.password.version)
      try await end(record, outcome, "done", reason.map(\.rawValue) ?? "")
      return outcome
    } catch let rejection as WritebackRejection {
      let outcome = explain(rejection, secrets, account)
      try await end(record, outcome, outcome.status.rawValue, rejection.detail)
      return outcome
    } catch {
      // It may have been done. The intent stays, and ``settle(except:)`` finds out.
      record.outcome = WritebackOutcome(.unknown)
      try await store.write(durability: .full) { [record, event = event(header, "unknown", "\(error)", place)] in
        try record.save(in: $0)
        try event.insert($0)
      }
      return WritebackOutcome(.unknown)
    }
  }

  private func explain(
    _ rejection: WritebackRejection, _ secrets: WritebackSecrets, _ account: WritebackAccount
  ) -> WritebackOutcome {
    switch rejection.cause {
    case .other(let status, let reason): return WritebackOutcome(status, reason)
    case .policy(let countsHistory):
      guard let new = secrets.new else { return WritebackOutcome(.refused, .policy) }
      return account.rules.explain(new, of: account, countsHistory: countsHistory, at: now())
    }
  }

  // MARK: - What is kept

  func refuse(
    _ header: WritebackHeader, _ digest: [UInt8], _ reason: WritebackOutcome.Reason, _ detail: String,
    _ place: WritebackPlace? = nil
  ) async throws -> WritebackOutcome {
    let outcome = WritebackOutcome(.forbidden, reason)
    let record = WritebackRecord(
      header: header, digest: digest, at: now(), state: .ended, before: PasswordState(), outcome: outcome)
    logger.warning(
      "writeback: refused", metadata: ["request": "\(header.identifier)", "reason": "\(reason.rawValue)"])
    try await store.write(durability: .full) {
      [event = event(header, "forbidden", "\(reason.rawValue): \(detail)", place)] in
      try record.decide(in: $0)
      try event.insert($0)
    }
    return outcome
  }

  private func fail(
    _ header: WritebackHeader, _ digest: [UInt8], _ place: WritebackPlace, _ reason: WritebackOutcome.Reason,
    _ error: any Error
  ) async throws -> WritebackOutcome {
    let outcome = WritebackOutcome(.failed, reason)
    let record = WritebackRecord(
      header: header, digest: digest, at: now(), state: .ended, before: PasswordState(), outcome: outcome)
    let cause = error as? any DiagnosableError
    let text = cause.map { "\($0.message) \($0.remedy)" } ?? "\(error)"
    logger.error(
      "writeback: the directory could not be asked",
      metadata: ["request": "\(header.identifier)", "error": "\(cause?.identifier ?? "")", "cause": "\(text)"])
    try await store.write(durability: .full) { [event = event(header, "failed", text, place)] in
      try record.decide(in: $0)
      try event.insert($0)
    }
    return outcome
  }

  func end(
    _ record: WritebackRecord, _ outcome: WritebackOutcome, _ what: String, _ detail: String
  ) async throws {
    var record = record
    record.state = .ended
    record.outcome = outcome
    logger.info(
      "writeback: \(what)",
      metadata: ["request": "\(record.header.identifier)", "operation": "\(record.header.operation.rawValue)"])
    try await store.write(durability: .full) { [record, event = event(record.header, what, detail, record.place)] in
      try record.save(in: $0)
      try event.insert($0)
    }
  }

  func event(
    _ header: WritebackHeader, _ what: String, _ detail: String, _ place: WritebackPlace? = nil
  ) -> WritebackEvent {
    WritebackEvent(
      at: now(), request: header.identifier, operation: header.operation.rawValue, anchor: header.anchor,
      distinguishedName: place?.distinguishedName, server: place?.server, event: what, detail: detail)
  }

  func event(_ message: WritebackMessage, _ what: String, _ detail: String) -> WritebackEvent {
    WritebackEvent(
      at: now(), request: message.id, operation: message.operation, anchor: message.anchor, event: what, detail: detail)
  }

  static func isCancelled(_ error: any Error) -> Bool { error is CancellationError || Task.isCancelled }

  /// A user that the target has from a forest whose passwords can be written.
  func locate(_ anchor: String) async throws -> (WritebackPlace, any WritebackDirectory)? {
    let target = settings.target
    let found = try await store.read { transaction in
      try transaction.first(
        """
        SELECT entry.source, watermark.partition, entry.anchor, entry.dn FROM mv
        JOIN entry ON entry.id = mv.anchor_entry AND entry.mv = mv.id AND entry.deleted = 0
        JOIN watermark ON watermark.id = entry.partition
        JOIN remote ON remote.target = ? AND remote.mv = mv.id
        WHERE mv.source_anchor = ? AND mv.kind = 'user' AND mv.gone = 0 AND mv.outside = 0
        """, [.text(target), .text(anchor)]
      ) { row in
        (
          source: try row[0] as String, domain: try row[1] as String, guid: try row[2] as [UInt8],
          dn: try row[3] as String
        )
      }
    }
    guard let found, let identifier = GUID(found.guid),
      let directory = directories.first(where: { $0.source == found.source })
    else { return nil }
    let place = WritebackPlace(
      source: found.source, domain: found.domain, identifier: identifier, distinguishedName: found.dn, server: "")
    return (place, directory)
  }
}
