// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import Logging
import PasswordHash
import RPC
package import Store
import Wire

/// Password hash synchronisation: read what changed, derive, send, remember the version.
///
/// 0. **users**: who came to a target since the last pass is due; what targets hold of users that left is forgotten.
/// 1. **read**: pages of changes since each domain's watermark, over replication.
/// 2. **derive**: for users that the target has and versions that it has not, on all cores; beside it, when they expire.
/// 3. **send**: in batches; what fails becomes due.
/// 4. **remember**: states and watermark in one transaction. A pass that ends anywhere reads the page again: the target
///    knows the versions that it has.
/// 5. **due**: users that are new at the target, or whose last attempt failed, one by one.
package struct PasswordPass: Sendable {
  /// Users that one pass fetches by themselves; each costs a round trip of some milliseconds.
  static let maximumDue = 10_000
  /// Users fetched before what they brought is sent and remembered.
  static let dueAtOnce = 200
  /// Seconds until a user whose attempt failed is due again.
  static let retryAfter = 120.0
  /// Seconds between looks at a domain's password policy. Each needs a connection by LDAP.
  static let policyInterval = 900.0

  let sources: [any PasswordSource]
  let targets: [any PasswordTarget]
  let store: any Store
  private let ledger: FlowLedger
  private let logger: Logger
  let now: @Sendable () -> Date
  private let random: @Sendable (Int) -> [UInt8]

  /// - Parameters:
  ///   - ledger: where the ways to the controllers are counted; it is written to the store after each pass.
  ///   - random: as many bytes from the system's generator as asked for.
  package init(
    sources: [any PasswordSource], targets: [any PasswordTarget], store: any Store, ledger: FlowLedger,
    logger: Logger,
    now: @escaping @Sendable () -> Date, random: @escaping @Sendable (Int) -> [UInt8]
  ) {
    self.sources = sources
    self.targets = targets
    self.store = store
    self.ledger = ledger
    self.logger = logger
    self.now = now
    self.random = random
  }

  /// Makes one pass. A domain that cannot be read does not hold up the others; when none can, its error is thrown.
  package func run() async throws -> PasswordReport {
    do {
      let report = try await passOver()
      try await ledger.flush(to: store, at: now().timeIntervalSince1970)
      return report
    } catch {
      // A task of its own, because the store refuses a cancelled one. The first error is what matters.
      await Task { try? await ledger.flush(to: store, at: now().timeIntervalSince1970) }.value
      throw error
    }
  }

  private func passOver() async throws -> PasswordReport {
    var report = PasswordReport()
    var first: (any Error)?
    var succeeded = 0
    try await lookAtUsers(&report)
    for source in sources {
      for partition in try await source.partitions() {
        do {
          try await run(source, partition, &report)
          succeeded += 1
        } catch {
          if error is CancellationError || error is StoreError || Task.isCancelled { throw error }
          let reason = "\(error)"
          logger.error(
            "passwords of a domain were not read", metadata: ["domain": "\(partition)", "reason": "\(reason)"])
          report.errors.append("\(partition): \(reason)")
          first = first ?? error
        }
      }
    }
    if succeeded == 0, let first { throw first }
    return report
  }

  private func run(_ source: any PasswordSource, _ partition: String, _ report: inout PasswordReport) async throws {
    let stored = try await store.read { try PasswordWatermark.load(partition, of: source.name, in: $0) }
    try await source.open(partition, preferring: stored?.server).use { reading in
      try await checkPolicy(reading, source, partition)
      try await readChanges(reading, from: stored ?? .beginning, source, partition, &report)
      try await fetchDue(reading, source, partition, &report)
    }
  }

  // MARK: - Changes

  private func readChanges(
    _ reading: any PasswordReading, from stored: PasswordPosition, _ source: any PasswordSource, _ partition: String,
    _ report: inout PasswordReport
  ) async throws {
    // On another server the numbers mean nothing; what is known of all servers does.
    var position = stored.server == reading.server ? stored : stored.elsewhere
    var page = try await reading.page(from: position)
    if position.usn != .zero, page.invocation != position.invocation {
      // The server was restored: another database under the same name.
      position = stored.elsewhere
      page = try await reading.page(from: position)
    } else if page.next.property < position.usn.property {
      // It went back in time and did not say so: what it knows cannot be told from what was read.
      logger.warning("a controller's database went back; reading it anew", metadata: ["dc": "\(reading.server)"])
      position = .beginning
      page = try await reading.page(from: position)
    }
    while true {
      try Task.checkCancellation()
      report.read += page.accounts.count
      position = PasswordPosition(
        server: reading.server, invocation: page.invocation, usn: page.next, known: page.known ?? position.known)
      try await take(page.accounts, by: reading, from: source.name, &report) { [position, now] transaction in
        try PasswordWatermark.save(
          position, partition, of: source.name, at: now().timeIntervalSince1970, in: transaction)
      }
      guard page.hasMore else { return }
      page = try await reading.page(from: position)
    }
  }

  // MARK: - Due

  private func fetchDue(
    _ reading: any PasswordReading, _ source: any PasswordSource, _ partition: String, _ report: inout PasswordReport
  ) async throws {
    for target in targets {
      let table = CredentialTable(source: source.name, target: target.name)
      let time = now().timeIntervalSince1970
      let waiting = try await store.read { transaction in
        try table.due(partition, at: time, limit: Self.maximumDue, in: transaction)
      }
      var start = 0
      while start < waiting.count {
        try Task.checkCancellation()
        let part = waiting[start..<min(waiting.count, start + Self.dueAtOnce)]
        start += Self.dueAtOnce
        var accounts: [PasswordAccount] = []
        var absent: [CredentialTable.User] = []
        for user in part {
          let account = try await reading.account(user.identifier, distinguishedName: user.distinguishedName)
          // One of which nothing is told may be behind on this controller: only a password that was cleared is forgotten.
          if let account, account.secret != nil || (account.isCleared && user.version != nil) {
            accounts.append(account)
          } else {
            absent.append(user)
          }
        }
        let left = report.due
        try await take(accounts, by: reading, from: source.name, &report, only: target.name) { [absent] transaction in
          for user in absent { try table.save(user, .none, version: nil, at: time, in: transaction) }
        }
        // A target that takes none is down: the others wait, and the controller is not asked for what nobody takes.
        if !accounts.isEmpty, report.due - left == accounts.count { break }
      }
    }
  }

  // MARK: - Derive, send, remember

  private struct Item {
    var user: CredentialTable.User
    var account: PasswordAccount
    var version: PasswordAccount.Version
    var expires: FileTime?
  }

  /// What accounts mean for one target.
  private struct Selection {
    /// Those that it has to be told.
    var items: [Item] = []
    /// Those whose password it has to forget.
    var cleared: [(user: CredentialTable.User, version: PasswordAccount.Version)] = []
    /// Those of which the change told too little.
    var incomplete: [CredentialTable.User] = []
  }

  /// Takes accounts to the targets and commits what became of them, together with what the caller has to commit.
  private func take(
    _ accounts: [PasswordAccount], by reading: any PasswordReading, from source: String,
    _ report: inout PasswordReport, only: String? = nil, _ commit: @escaping @Sendable (any Transaction) throws -> Void
  ) async throws {
    var work: [@Sendable (any Transaction) throws -> Void] = [commit]
    for target in targets where only == nil || only == target.name {
      let table = CredentialTable(source: source, target: target.name)
      let selection = try await select(accounts, table, &report)
      let expiries = try await reading.expiries(of: selection.items.map(\.user.identifier))
      let time = now().timeIntervalSince1970
      work.append { [incomplete = selection.incomplete] transaction in
        for user in incomplete { try table.save(user, .due, version: nil, at: time, in: transaction) }
      }
      for part in selection.items.chunks(of: max(1, target.batchSize)) {
        let items = part.map { item in
          var item = item
          item.expires = expiries[item.user.identifier]
          return item
        }
        let outcomes = await outcomes(of: items, at: target, &report)
        work.append { transaction in
          for (item, outcome) in zip(items, outcomes) {
            try Self.remember(item, outcome, in: table, at: time, transaction)
          }
        }
      }
      for part in selection.cleared.chunks(of: max(1, target.batchSize)) {
        let cleared = Array(part)
        let removals = cleared.map { PasswordRemoval(anchor: $0.user.anchor, version: $0.version) }
        let outcomes = await outcomes(of: removals, at: target, &report)
        work.append { transaction in
          for (entry, outcome) in zip(cleared, outcomes) {
            try Self.remember(entry.user, cleared: entry.version, outcome, in: table, at: time, transaction)
          }
        }
      }
    }
    try await store.write { [work] transaction in for step in work { try step(transaction) } }
  }

  private func select(
    _ accounts: [PasswordAccount], _ table: CredentialTable, _ report: inout PasswordReport
  ) async throws -> Selection {
    let users = try await store.read { transaction in
      try accounts.map { try table.user($0.identifier, in: transaction) }
    }
    var selection = Selection()
    for (user, account) in zip(users, accounts) {
      guard let user else { continue }
      if account.isCleared, let version = account.version {
        // Where no password was ever told there is none to forget.
        if user.version != nil, user.state != CredentialTable.State.none { selection.cleared.append((user, version)) }
        continue
      }
      guard account.secret != nil, let version = account.version else {
        // Only pwdLastSet or userAccountControl changed: the target wants them together with the password.
        if user.state == .sent { selection.incomplete.append(user) }
        continue
      }
      if user.state == .sent, user.version == version {
        report.unchanged += 1
      } else {
        selection.items.append(Item(user: user, account: account, version: version))
      }
    }
    return selection
  }

  private func outcomes(
    of items: [Item], at target: any PasswordTarget, _ report: inout PasswordReport
  ) async -> [Result<PasswordOutcome, any Error>] {
    // A derivation is a thousand rounds of SHA-256 twice over.
    let updates = await AllCores.map(items) { [random] item in Result { try Self.update(item, random) } }
    var results = updates.map { update in
      update.flatMap { _ in .failure(ConnectError.unanswered) as Result<PasswordOutcome, any Error> }
    }
    let sendable = updates.indices.filter { if case .success = updates[$0] { true } else { false } }
    do {
      let answers = try await target.send(try sendable.map { try updates[$0].get() })
      for (index, answer) in zip(sendable, answers) { results[index] = .success(answer) }
    } catch {
      let reason = "\(error)"
      if !sendable.isEmpty { report.errors.append("\(target.name): \(reason)") }
      for index in sendable { results[index] = .failure(error) }
    }
    for result in results {
      switch result {
      case .success(.stored): report.sent += 1
      case .success(.unchanged), .success(.older): report.unchanged += 1
      case .success(.refused): report.refused += 1
      case .failure: report.due += 1
      }
    }
    return results
  }

  private static func update(_ item: Item, _ random: (Int) -> [UInt8]) throws -> PasswordUpdate {
    guard let open = item.account.secret else { throw ConnectError.unanswered }
    let secret = try open()
    guard let hash = secret.withBytes({ NTHash($0) }) else { throw ConnectError.unanswered }
    return PasswordUpdate(
      anchor: item.user.anchor, value: try DerivedPassword(hash, salt: random(DerivedPassword.saltBytes)).text,
      version: item.version, lastSet: item.account.lastSet, mustChange: item.account.mustChange,
      expires: item.expires)
  }

  private static func remember(
    _ item: Item, _ outcome: Result<PasswordOutcome, any Error>, in table: CredentialTable, at time: Double,
    _ transaction: any Transaction
  ) throws {
    let user = item.user
    switch outcome {
    case .success(.stored), .success(.unchanged), .success(.older):
      try table.save(user, .sent, version: item.version, at: time, in: transaction)
    case .success(.refused(let reason, let detail)) where reason == "unknownUser":
      // The user is on the way, or was deleted there by somebody else.
      try table.save(
        user, .due, version: nil, reason: reason, detail: detail, at: time, nextTry: time + retryAfter, in: transaction
      )
    case .success(.refused(let reason, let detail)):
      try table.save(user, .refused, version: item.version, reason: reason, detail: detail, at: time, in: transaction)
    case .failure(let error):
      let detail = error.explanation
      let reason = (error as? any DiagnosableError)?.identifier ?? "unknown"
      try table.save(
        user, .due, version: nil, reason: reason, detail: detail, at: time, nextTry: time + retryAfter, in: transaction
      )
    }
  }

  /// Notes what became of a password that was cleared.
  private static func remember(
    _ user: CredentialTable.User, cleared version: PasswordAccount.Version,
    _ outcome: Result<PasswordOutcome, any Error>, in table: CredentialTable, at time: Double,
    _ transaction: any Transaction
  ) throws {
    guard let (reason, detail) = Self.obstacle(outcome) else {
      return try table.save(user, .none, version: version, at: time, in: transaction)
    }
    try table.save(
      user, .due, version: nil, reason: reason, detail: detail, at: time, nextTry: time + retryAfter, in: transaction)
  }
}

extension ConnectError {
  static let unanswered = ConnectError(
    .targetUnreachable, "The target told no result.", remedy: "The next pass sends the password again.")
}
