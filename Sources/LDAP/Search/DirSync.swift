// SPDX-License-Identifier: Apache-2.0

import Logging
import Wire

/// A read of changes by cookie (MS-ADTS 3.1.1.3.4.1.3).
package struct DirSyncRequest: Sendable {
  /// The root of a naming context; the scope is its whole tree.
  package var base: String
  /// Filter on `objectClass`: one on `objectCategory` misses tombstones.
  package var filter: Filter
  /// What the rules name. Without ``DirSyncFlags/objectSecurity`` read permissions are bypassed: never ask for more.
  package var attributes: [String]
  /// Empty for everything.
  package var cookie: DirSyncCookie
  package var flags: DirSyncFlags
  /// How much a server may put into one answer.
  package var maximumBytes: Int32
  /// The longest wait for the next answer; nil for that of the connection. Samba makes all of an answer before it sends the first
  /// byte, and of a group of 200,000 members it takes minutes.
  package var patience: Duration?

  /// Without it, deletions look like ordinary changes.
  package static let requiredAttributes = ["objectGUID", "isDeleted", "lastKnownParent"]

  package init(
    base: String, filter: Filter, attributes: [String], cookie: DirSyncCookie = DirSyncCookie([]),
    flags: DirSyncFlags = [.ancestorsFirst, .incrementalValues], maximumBytes: Int32 = 10 << 20,
    patience: Duration? = nil
  ) {
    self.base = base
    self.filter = filter
    self.attributes = attributes
    self.cookie = cookie
    self.flags = flags
    self.maximumBytes = maximumBytes
    self.patience = patience
  }
}

/// What a reading by DirSync brings, in order (MS-ADTS 3.1.1.3.4.1.3).
package enum DirSyncEvent: Sendable {
  case change(DirectoryChange)
  /// Everything before it is consistent with this cookie. The last one of a read has `hasMore == false`.
  case checkpoint(DirSyncCookie, hasMore: Bool)
}

extension LDAPConnection {
  /// Streams changes and checkpoints until the server has no more; asks for the next part before one is consumed.
  ///
  /// Errors: `insufficientAccessRights` (the account lacks Replicating Directory Changes), `badCookie` (another server's,
  /// too old, or garbled: import in full), `incomplete`.
  ///
  /// Samba hides tombstones from an account that lacks List Contents on `CN=Deleted Objects` and says nothing: deletions
  /// are then missing from the changes. Grant the account `LCRP` there (`dsacls`, `samba-tool dsacl`).
  package func dirSync(_ request: DirSyncRequest) -> DirSyncStream { DirSyncStream(parts: dirSyncParts(request)) }

  /// The same read, its entries as they arrive: for whoever reads many.
  package func dirSyncParts(_ request: DirSyncRequest) -> DirSyncParts {
    DirSyncParts(connection: self, request: request)
  }

  /// A cookie for the present state, at once: by a filter that matches nothing.
  package func dirSyncCookie(base: String, flags: DirSyncFlags = [.ancestorsFirst, .incrementalValues]) async throws
    -> DirSyncCookie
  {
    let nothing = Filter.not(.present("objectClass"))
    var cookie: DirSyncCookie?
    for try await event in dirSync(
      DirSyncRequest(base: base, filter: nothing, attributes: ["objectGUID"], flags: flags))
    {
      if case .checkpoint(let latest, false) = event { cookie = latest }
    }
    guard let cookie else {
      throw LDAPError.protocolViolation(server.description, "a DirSync read without a cookie")
    }
    return cookie
  }
}

/// Changes and checkpoints; see ``LDAPConnection/dirSync(_:)``.
package struct DirSyncStream: AsyncSequence, Sendable {
  package typealias Element = DirSyncEvent
  let parts: DirSyncParts

  package func makeAsyncIterator() -> Iterator { Iterator(parts: parts.makeAsyncIterator()) }

  package struct Iterator: AsyncIteratorProtocol {
    private var parts: DirSyncParts.Iterator
    private var part = DirSyncPart()
    private var position = 0

    init(parts: DirSyncParts.Iterator) { self.parts = parts }

    package mutating func next() async throws -> DirSyncEvent? {
      while position == part.entries.count {
        if let (cookie, hasMore) = part.checkpoint {
          part.checkpoint = nil
          return .checkpoint(cookie, hasMore: hasMore)
        }
        guard let next = try await parts.next() else { return nil }
        (part, position) = (next, 0)
      }
      defer { position += 1 }
      do {
        return .change(try DirectoryChange(part.entries[position].parsed()))
      } catch {
        throw parts.violation("\(error)")
      }
    }
  }
}

/// What of a DirSync answer has arrived since one last asked.
package struct DirSyncPart: Sendable {
  package var entries: [UnparsedEntry] = []
  /// Everything up to here is consistent with this cookie. The last one of a read has `hasMore == false`.
  package var checkpoint: (cookie: DirSyncCookie, hasMore: Bool)?
}

/// A DirSync answer as it arrives; see ``LDAPConnection/dirSyncParts(_:)``.
package struct DirSyncParts: AsyncSequence, Sendable {
  package typealias Element = DirSyncPart
  let connection: LDAPConnection
  let request: DirSyncRequest

  package func makeAsyncIterator() -> Iterator { Iterator(self) }

  package struct Iterator: AsyncIteratorProtocol {
    private let sync: DirSyncParts
    private var operation: Operation?
    private var batch: ArraySlice<LDAPMessage> = []
    private var isAtEnd = false
    private var lastCookie: DirSyncCookie
    private var isPartEmpty = true

    init(_ sync: DirSyncParts) {
      self.sync = sync
      lastCookie = sync.request.cookie
    }

    package mutating func next() async throws -> DirSyncPart? {
      guard !isAtEnd else { return nil }
      let operation = operation ?? sync.start()
      self.operation = operation
      if batch.isEmpty { batch = try await operation.next()[...] }
      if batch.isEmpty { throw sync.violation("a DirSync read without a result") }
      var part = DirSyncPart()
      part.entries.reserveCapacity(batch.count)
      while let message = batch.popFirst() {
        switch message.operation {
        case .unparsedEntry(let entry):
          isPartEmpty = false
          part.entries.append(entry)
        case .searchResultReference(let references):
          // A subordinate naming context: DirSync never descends into one, and nothing of this one is missing.
          sync.connection.link.logger.debug("reference", metadata: ["to": "\(references.first ?? "")"])
        case .searchResultDone(let result):
          part.checkpoint = try finishPart(result, message)
          return part
        case .intermediateResponse: continue
        default: throw sync.violation("another answer than a search's")
        }
      }
      return part
    }

    private mutating func finishPart(
      _ result: LDAPResult, _ message: LDAPMessage
    ) throws -> (cookie: DirSyncCookie, hasMore: Bool) {
      guard result.code == .success else { throw sync.failure(result) }
      guard let control = message.control(.dirSync), let answer = try? DirSyncControl.response(control) else {
        throw sync.violation("a DirSync answer without cookie")
      }
      let cookie = DirSyncCookie(answer.cookie)
      if answer.hasMore {
        guard !isPartEmpty || cookie != lastCookie else { throw sync.violation("a DirSync read that does not advance") }
      } else {
        isAtEnd = true
        operation = nil
      }
      lastCookie = cookie
      isPartEmpty = true
      return (cookie, answer.hasMore)
    }

    fileprivate func violation(_ what: String) -> LDAPError { sync.violation(what) }
  }

  private func start() -> Operation {
    let search = SearchRequest(
      base: request.base, scope: .subtree, filter: request.filter,
      attributes: request.attributes
        + DirSyncRequest.requiredAttributes.filter { required in
          !request.attributes.contains { $0.equalsIgnoringASCIICase(required) }
        })
    let flags = request.flags
    let maximumBytes = request.maximumBytes
    @Sendable func part(_ cookie: [UInt8]) -> Request {
      Request(
        operation: .searchRequest(search),
        controls: [
          DirSyncControl.request(flags: flags, maximumBytes: maximumBytes, cookie: cookie), ExtendedDN.control,
          Control(.showDeleted, isCritical: true),
        ], leavesEntriesUnparsed: true)
    }
    return connection.link.start(part(request.cookie.bytes), patience: request.patience) { message in
      guard case .searchResultDone(let result) = message.operation, result.code == .success,
        let control = message.control(.dirSync), let answer = try? DirSyncControl.response(control), answer.hasMore
      else { return nil }
      return part(answer.cookie)
    }
  }

  private func failure(_ result: LDAPResult) -> LDAPError {
    var error = LDAPError(
      result, action: "Reading the changes of \(request.base)", server: connection.server.description)
    switch result.code {
    case .unavailableCriticalExtension where !request.cookie.isEmpty:
      error.code = .badCookie
      error.remedy = "The cookie is of another server, too old or damaged: import in full."
    case .insufficientAccessRights:
      error.remedy =
        "Grant the account `Replicating Directory Changes` on \(request.base), or let it read by uSNChanged instead."
    default: break
    }
    return error
  }

  private func violation(_ what: String) -> LDAPError { .protocolViolation(connection.server.description, what) }
}
