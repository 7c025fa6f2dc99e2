// SPDX-License-Identifier: Apache-2.0

import Crypto
package import Logging
package import PasswordWriteback
package import Store
import Wire

/// Carries out what a tenant asks for, as far as this server lets it. Each request goes through the same steps:
///
/// 1. **message**: it has the right form, tenant and key, and its time is not over;
/// 2. **nonce**: it was not seen before; one that was is told how it ended, and nothing else happens;
/// 3. **limits**: not too many in all, and not too many for this user;
/// 4. **open**: only what was encrypted for this request opens;
/// 5. **user**: a synchronised user, asked for live, in an allowed unit and not protected;
/// 6. **intent**: durable, with the version of the password, before the first byte that could change it;
/// 7. **stroke**: once;
/// 8. **outcome**: durable, then told to the tenant until it has heard.
///
/// After an interruption between 6 and 8 the version of the password says what happened (``WritebackService/settle()``).
package struct WritebackService: Sendable {
  private let settings: WritebackSettings
  private let channel: any WritebackChannel
  let directories: [any WritebackDirectory]
  let store: any Store
  private let logger: Logger
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

  /// Waits for a request and handles it.
  package func next(waiting seconds: Int) async throws -> Step {
    guard let message = try await channel.next(waiting: seconds) else { return .nothing }
    let envelope: WritebackEnvelope
    do { envelope = try message.envelope() } catch {
      try await store.write { [event = event(message, "forbidden", error.message)] in try event.insert($0) }
      throw error
    }
    let (outcome, isFlood) = try await handle(envelope)
    try await tell(envelope.header.identifier, outcome)
    return isFlood ? .flooded : .handled(outcome.status)
  }

  /// What has yet to be found out or told; also after a restart.
  ///
  /// - Returns: whether something is still open.
  package func settle() async throws -> Bool {
    let open = try await store.read { try WritebackRecord.open(in: $0) }
    var isOpen = false
    for var record in open {
      if record.state == .intent {
        guard let outcome = try await resolve(record) else {
          isOpen = true
          if record.outcome == nil {
            record.outcome = WritebackOutcome(.unknown)
            try await store.write(durability: .full) { [record] in try record.save(in: $0) }
            try await channel.answer(record.header.identifier, WritebackOutcome(.unknown))
          }
          continue
        }
        try await end(record, outcome, "resolved", "after an interruption: \(outcome.status.rawValue)")
        try await tell(record.header.identifier, outcome)
      } else if let outcome = record.outcome {
        try await tell(record.header.identifier, outcome)
      }
    }
    try await store.write { [now = now()] in try WritebackRecord.purge(before: now - WritebackSettings.memory, in: $0) }
    return isOpen
  }

  private func tell(_ id: String, _ outcome: WritebackOutcome) async throws {
    try await channel.answer(id, outcome)
    guard outcome.status != .unknown else { return }
    _ = try await store.write { transaction in
      try transaction.run("UPDATE writeback_request SET answered = 1 WHERE nonce = ?", [.text(id)])
    }
  }

  // MARK: - The steps

  private func handle(_ envelope: WritebackEnvelope) async throws -> (WritebackOutcome, isFlood: Bool) {
    let header = envelope.header
    let digest = Array(SHA256.hash(data: header.bytes))
    // 2. nonce: before anything is judged, so that a repetition is answered as the first time.
    if let known = try await store.read({ try WritebackRecord.find(header.identifier, in: $0) }) {
      let isSame = known.digest == digest
      let detail = isSame ? "answered as before" : "with another content"
      try await store.write { [event = event(header, "repeated", detail)] in try event.insert($0) }
      guard isSame else { return (WritebackOutcome(.forbidden, .replayed), false) }
      return (known.outcome ?? WritebackOutcome(.unknown), false)
    }
    // 1. message
    if let (reason, detail) = mistake(envelope) {
      return (try await refuse(header, digest, reason, detail), false)
    }
    // 3. limits
    let counts = try await store.read { [since = now() - WritebackSettings.period] in
      try WritebackRecord.counts(since: since, anchor: header.anchor, in: $0)
    }
    guard counts.all < settings.total else {
      let detail = "more than \(settings.total) requests in an hour"
      try await store.write { [event = event(header, "forbidden", detail)] in try event.insert($0) }
      logger.warning("writeback: too many requests", metadata: ["limit": "\(settings.total)"])
      return (WritebackOutcome(.forbidden, .tooOften), true)
    }
    guard counts.attempts < settings.perUser else {
      return (
        try await refuse(header, digest, .tooOften, "more than \(settings.perUser) attempts for this user in an hour"),
        false
      )
    }
    // 4. open
    let secrets: WritebackSecrets
    do { secrets = try envelope.open(with: settings.key) } catch {
      return (try await refuse(header, digest, .undecipherable, error.message), false)
    }
    // 5. user
    guard let (place, directory) = try await locate(header.anchor) else {
      return (try await refuse(header, digest, .notSynchronised, "no synchronised user has this anchor"), false)
    }
    return (try await write(header, digest, secrets, place, directory), false)
  }

  /// Of a message that is not even opened.
  private func mistake(_ envelope: WritebackEnvelope) -> (WritebackOutcome.Reason, String)? {
    let header = envelope.header
    guard header.tenant.lowercased() == settings.tenant.lowercased() else {
      return (.undecipherable, "it is for the tenant \(header.tenant.prefix(64)) instead of \(settings.tenant)")
    }
    let left = Double(header.expires) / 1000 - now()
    guard left > 0, left <= WritebackSettings.longestLifetime else {
      return (.expired, left > 0 ? "it claims to be valid for \(Int(left)) seconds" : "it is over")
    }
    guard let own = try? settings.key.publicKey.fingerprint, envelope.fingerprint == own else {
      return (
        .undecipherable, "it is encrypted to the key \(envelope.fingerprint.prefix(64)), which is not this server's"
      )
    }
    return nil
  }

  private func write(
    _ header: WritebackHeader, _ digest: [UInt8], _ secrets: WritebackSecrets, _ known: WritebackPlace,
    _ directory: any WritebackDirectory
  ) async throws -> WritebackOutcome {
    var place = known
    let session: any WritebackSession
    do { session = try await directory.open(place.domain, preferring: nil) } catch let error
      where !Self.isCancelled(error)
    {
      return try await fail(header, digest, place, .unreachable, error)
    }
    place.server = session.server
    return try await session.use { [place] session in
      try await write(header, digest, secrets, place, directory.policy, session)
    }
  }

  private func write(
    _ header: WritebackHeader, _ digest: [UInt8], _ secrets: WritebackSecrets, _ known: WritebackPlace,
    _ policy: WritebackPolicy, _ session: any WritebackSession
  ) async throws -> WritebackOutcome {
    var place = known
    let account: WritebackAccount
    let stroke: WritebackStroke
    do {
      guard let found = try await session.account(place.identifier) else {
        return try await refuse(header, digest, .notSynchronised, "the directory has no such account any more")
      }
      account = found
      place.distinguishedName = account.distinguishedName
      if let (reason, detail) = policy.refusal(of: account) {
        return try await refuse(header, digest, reason, detail, place)
      }
      stroke = try await session.prepare(header.operation, account)
    } catch let error where !Self.isCancelled(error) {
      return try await fail(header, digest, place, .unreachable, error)
    }
    // 6. intent
    var record = WritebackRecord(
      header: header, digest: digest, at: now(), state: .intent, place: place, before: account.password)
    let intent = event(
      header, "intent", "password version \(account.password.version.map(String.init) ?? "unknown")", place)
    do {
      try await store.write(durability: .full) { [record] transaction in
        try record.save(in: transaction)
        try intent.insert(transaction)
      }
    } catch {
      await stroke.close()
      throw error
    }
    // 7. stroke
    do {
      let reason = try await stroke.run(secrets)
      await stroke.close()
      let after = try? await session.account(place.identifier)
      // 8. outcome
      let outcome = WritebackOutcome(.done, reason, version: after?.password.version)
      try await end(record, outcome, "done", reason.map(\.rawValue) ?? "")
      return outcome
    } catch let rejection as WritebackRejection {
      await stroke.close()
      let outcome = explain(rejection, secrets, account)
      try await end(record, outcome, outcome.status.rawValue, rejection.detail)
      return outcome
    } catch {
      await stroke.close()
      // It may have been done. The intent stays, and ``settle()`` finds out.
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

  private func refuse(
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
      try record.save(in: $0)
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
      try record.save(in: $0)
      try event.insert($0)
    }
    return outcome
  }

  private func end(
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

  private func event(
    _ header: WritebackHeader, _ what: String, _ detail: String, _ place: WritebackPlace? = nil
  ) -> WritebackEvent {
    WritebackEvent(
      at: now(), request: header.identifier, operation: header.operation.rawValue, anchor: header.anchor,
      distinguishedName: place?.distinguishedName, server: place?.server, event: what, detail: detail)
  }

  private func event(_ message: WritebackMessage, _ what: String, _ detail: String) -> WritebackEvent {
    WritebackEvent(
      at: now(), request: message.id, operation: message.operation, anchor: message.anchor, event: what, detail: detail)
  }

  static func isCancelled(_ error: any Error) -> Bool { error is CancellationError || Task.isCancelled }

  /// A user that the target has from a forest whose passwords can be written.
  private func locate(_ anchor: String) async throws -> (WritebackPlace, any WritebackDirectory)? {
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
