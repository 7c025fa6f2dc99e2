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

  /// Without it, deletions look like ordinary changes.
  package static let requiredAttributes = ["objectGUID", "isDeleted", "lastKnownParent"]

  package init(
    base: String, filter: Filter, attributes: [String], cookie: DirSyncCookie = DirSyncCookie([]),
    flags: DirSyncFlags = [.ancestorsFirst, .incrementalValues], maximumBytes: Int32 = 10 << 20
  ) {
    self.base = base
    self.filter = filter
    self.attributes = attributes
    self.cookie = cookie
    self.flags = flags
    self.maximumBytes = maximumBytes
  }
}

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
  package func dirSync(_ request: DirSyncRequest) -> DirSyncStream { DirSyncStream(connection: self, request: request) }

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
  let connection: LDAPConnection
  let request: DirSyncRequest

  package func makeAsyncIterator() -> Iterator { Iterator(self) }

  package struct Iterator: AsyncIteratorProtocol {
    private let sync: DirSyncStream
    private var operation: Operation?
    private var batch: ArraySlice<LDAPMessage> = []
    private var isAtEnd = false
    private var lastCookie: DirSyncCookie
    private var isPartEmpty = true

    init(_ sync: DirSyncStream) {
      self.sync = sync
      lastCookie = sync.request.cookie
    }

    package mutating func next() async throws -> DirSyncEvent? {
      while !isAtEnd {
        guard let message = batch.popFirst() else {
          let operation = operation ?? sync.start()
          self.operation = operation
          batch = try await operation.next()[...]
          if batch.isEmpty { throw sync.violation("a DirSync read without a result") }
          continue
        }
        switch message.operation {
        case .searchResultEntry(let entry):
          isPartEmpty = false
          do {
            return .change(try DirectoryChange(entry))
          } catch {
            throw sync.violation("\(error)")
          }
        case .searchResultReference(let references):
          // A subordinate naming context: DirSync never descends into one, and nothing of this one is missing.
          sync.connection.link.logger.debug("reference", metadata: ["to": "\(references.first ?? "")"])
        case .searchResultDone(let result): return try finishPart(result, message)
        case .intermediateResponse: continue
        default: throw sync.violation("another answer than a search's")
        }
      }
      return nil
    }

    private mutating func finishPart(_ result: LDAPResult, _ message: LDAPMessage) throws -> DirSyncEvent {
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
      return .checkpoint(cookie, hasMore: answer.hasMore)
    }
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
        ])
    }
    return connection.link.start(part(request.cookie.bytes)) { message in
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
