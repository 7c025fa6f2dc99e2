// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Store

/// What a device is told when it asks for its tokens (RFC 8628 3.5).
enum DeviceRedemption: Sendable {
  case accepted(TokenGrant, refreshToken: String?)
  case pending, slowDown, denied, refused
}

/// A device that waits for a person.
struct DeviceRequest: Sendable {
  let code: UserCode
  let application: Application
  let scopes: [String]
}

extension TenantDirectory {
  private enum State: Int64 {
    case pending = 0
    case approved = 1
    case denied = 2
    case redeemed = 3
  }

  /// RFC 8628 3.2.
  func requestDevice(_ application: Application, scopes: [String]) async throws -> (device: String, user: UserCode) {
    let now = environment.now()
    let device = OpaqueSecret(.device, random: environment.random)
    let user = UserCode(random: environment.random)
    let hash = device.hash
    _ = try await store.write { transaction in
      try transaction.run(
        "INSERT INTO device_request (hash, user_code, application, scope, expires, state) VALUES (?, ?, ?, ?, ?, 0)",
        [
          .blob(hash), .text(user.text), .text(application.id), .text(scopes.joined(separator: " ")),
          .integer(now.milliseconds + Int64(SignInLifetime.deviceCode) * 1000),
        ])
    }
    return (device.text, user)
  }

  /// The device that waits with this code; nil when there is none, or it waits no longer.
  func device(waitingWith code: UserCode) async throws -> DeviceRequest? {
    let now = environment.now().milliseconds
    return try await store.read { transaction in
      let row = try transaction.first(
        "SELECT application, scope FROM device_request WHERE user_code = ? AND state = 0 AND expires > ?",
        [.text(code.text), .integer(now)]
      ) { row in (application: try row[0] as String, scope: try row[1] as String) }
      guard let row, let application = try Self.application(row.application, transaction)?.application else {
        return nil
      }
      return DeviceRequest(
        code: code, application: application, scopes: row.scope.split(separator: " ").map(String.init))
    }
  }

  /// What the person decided. Only the first decision counts.
  ///
  /// - Returns: false when the device waits no longer.
  func decide(_ request: DeviceRequest, grant: TokenGrant?, by session: Session) async throws -> Bool {
    let now = environment.now()
    return try await store.write(durability: .full) { transaction in
      if let grant { try grant.insert(at: now, transaction) }
      let decided = try transaction.run(
        "UPDATE device_request SET state = ?, token_grant = ? WHERE user_code = ? AND state = 0 AND expires > ?",
        [
          .integer((grant == nil ? State.denied : .approved).rawValue), SQLValue(grant?.id), .text(request.code.text),
          .integer(now.milliseconds),
        ])
      guard decided == 1 else {
        if let grant { try transaction.run("DELETE FROM token_grant WHERE id = ?", [.text(grant.id)]) }
        return false
      }
      try AuditEntry(
        actor: Actor(who: "user:\(session.userID)"), at: now, action: grant == nil ? .remove : .create, kind: "Device",
        target: request.application.id
      ).insert(transaction)
      return true
    }
  }

  /// RFC 8628 3.4. A device that asks too often is told so, and waits for longer.
  func redeem(deviceCode: String, by application: Application, actor: Actor) async throws -> DeviceRedemption {
    let now = environment.now()
    let hash = OpaqueSecret.hash(of: deviceCode)
    let random = environment.random
    return try await store.write { transaction in
      let found = try transaction.first(
        "SELECT application, state, expires, polled, token_grant FROM device_request WHERE hash = ?", [.blob(hash)]
      ) { row in
        (
          application: try row[0] as String, state: State(rawValue: try row[1]), expires: try row[2] as Int64,
          polled: try row[3] as Int64?, grant: try row[4] as String?
        )
      }
      guard let found, found.application == application.id, now.milliseconds < found.expires else { return .refused }
      switch found.state {
      case .denied: return .denied
      case .redeemed:
        if let grant = found.grant {
          try TokenGrant.revoke(grant, why: "device code replayed", by: actor, at: now, transaction)
        }
        return .refused
      case .pending:
        try transaction.run(
          "UPDATE device_request SET polled = ? WHERE hash = ?", [.integer(now.milliseconds), .blob(hash)])
        let earliest = (found.polled ?? 0) + Int64(SignInLifetime.deviceInterval) * 1000
        return now.milliseconds < earliest ? .slowDown : .pending
      case .approved:
        let grant = try transaction.first(
          """
          SELECT \(TokenGrant.columns) FROM token_grant g
          JOIN resource r ON r.seq = g.resource AND r.deleted IS NULL AND r.active = 1 WHERE g.id = ?
          """, [SQLValue(found.grant)]
        ) { try TokenGrant.read($0, at: now) }
        guard let grant, grant.isLive else { return .refused }
        try transaction.run(
          "UPDATE device_request SET state = ? WHERE hash = ?", [.integer(State.redeemed.rawValue), .blob(hash)])
        let refresh = try Self.refreshToken(grant.grant, application, at: now, random, transaction)
        return .accepted(grant.grant, refreshToken: refresh)
      case nil: return .refused
      }
    }
  }
}
