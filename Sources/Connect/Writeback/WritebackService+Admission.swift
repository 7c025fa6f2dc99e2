// SPDX-License-Identifier: Apache-2.0

import Crypto
import Logging
import PasswordWriteback
import Store

/// A request that was admitted and waits for its turn; its passwords are still encrypted.
struct WritebackTicket: Sendable {
  var envelope: WritebackEnvelope
  /// Of the header.
  var digest: [UInt8]
  /// Where the account is; empty where it is not known.
  var domain: String

  var id: String { envelope.header.identifier }
  /// One account's requests are carried out one after the other.
  var account: String { envelope.header.anchor }
}

enum WritebackAdmission: Sendable {
  case admitted(WritebackTicket)
  /// The tenant knows how it ended.
  case answered(WritebackOutcome.Status, isFlood: Bool)
}

extension WritebackService {
  private enum Judgement: Sendable {
    case new
    case known(WritebackRecord)
    case tooMany
    case tooManyForUser
  }

  /// Steps 1 to 3. Requests have to come here one after the other: each that is admitted counts from that moment on.
  func admit(_ envelope: WritebackEnvelope) async throws -> WritebackAdmission {
    let header = envelope.header
    let digest = Self.digest(header)
    let settings = settings
    let time = now()
    let mistake = mistake(envelope)
    // 1. nonce, and 2. limits: in one transaction.
    let judgement = try await store.write { transaction in
      if let known = try WritebackRecord.find(header.identifier, in: transaction) { return Judgement.known(known) }
      let counts = try WritebackRecord.counts(
        since: time - WritebackSettings.period, anchor: header.anchor, in: transaction)
      guard counts.all < settings.total else { return .tooMany }
      guard counts.attempts < settings.perUser else { return .tooManyForUser }
      // What is not even opened is no attempt for its user.
      if mistake == nil {
        try WritebackRecord(header: header, digest: digest, at: time, state: .admitted, before: PasswordState())
          .save(in: transaction)
      }
      return .new
    }
    switch judgement {
    case .known(let known) where known.state == .admitted && known.digest == digest:
      // The process that admitted it ended before it did anything.
      return .admitted(try await ticket(envelope, digest))
    case .known(let known):
      return try await answer(header, try await repeated(header, known, digest))
    case .tooMany:
      let detail = "more than \(settings.total) requests in an hour"
      try await store.write { [event = event(header, "forbidden", detail)] in try event.insert($0) }
      logger.warning("writeback: too many requests", metadata: ["limit": "\(settings.total)"])
      return try await answer(header, WritebackOutcome(.forbidden, .tooOften), isFlood: true)
    case .tooManyForUser:
      let detail = "more than \(settings.perUser) attempts for this user in an hour"
      return try await answer(header, try await refuse(header, digest, .tooOften, detail))
    case .new:
      // 3. message
      if let (reason, detail) = mistake {
        return try await answer(header, try await refuse(header, digest, reason, detail))
      }
      return .admitted(try await ticket(envelope, digest))
    }
  }

  /// One that has the identifier of another one that is in hand: told as any other repetition, when it is not the same.
  func refuse(_ envelope: WritebackEnvelope, inHand ticket: WritebackTicket) async throws {
    guard Self.digest(envelope.header) != ticket.digest else { return }
    try await store.write { [event = event(envelope.header, "repeated", "with another content")] in try event.insert($0)
    }
  }

  private func repeated(
    _ header: WritebackHeader, _ known: WritebackRecord, _ digest: [UInt8]
  ) async throws -> WritebackOutcome {
    let isSame = known.digest == digest
    let detail = isSame ? "answered as before" : "with another content"
    try await store.write { [event = event(header, "repeated", detail)] in try event.insert($0) }
    return isSame ? known.outcome ?? WritebackOutcome(.unknown) : WritebackOutcome(.forbidden, .replayed)
  }

  private func answer(
    _ header: WritebackHeader, _ outcome: WritebackOutcome, isFlood: Bool = false
  ) async throws -> WritebackAdmission {
    try await tell(header.identifier, outcome)
    return .answered(outcome.status, isFlood: isFlood)
  }

  private func ticket(_ envelope: WritebackEnvelope, _ digest: [UInt8]) async throws -> WritebackTicket {
    WritebackTicket(
      envelope: envelope, digest: digest, domain: try await locate(envelope.header.anchor)?.0.domain ?? "")
  }

  private static func digest(_ header: WritebackHeader) -> [UInt8] { Array(SHA256.hash(data: header.bytes)) }

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
}
