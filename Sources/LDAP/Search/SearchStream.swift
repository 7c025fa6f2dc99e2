// SPDX-License-Identifier: Apache-2.0

import Wire

extension LDAPConnection {
  /// A page's entries. Active Directory's MaxPageSize is 1000 by default; larger requests are cut to it.
  package static let defaultPageSize: Int32 = 1000

  /// A paged, streamed read (RFC 2696). The next page is asked for as soon as one has arrived, before it is consumed;
  /// multi-values that the server cut into ranges are completed.
  ///
  /// The sequence ends normally only when the result is complete: a limit, a referral or a missing page is an error of
  /// code `incomplete`. Subordinate naming contexts are left out by control instead of being referred to.
  ///
  /// - Parameters:
  ///   - attributes: those that are wanted; `["1.1"]` for none.
  ///   - extendedDNs: asks for names and links with GUID and SID (``ExtendedDN``).
  ///   - showDeleted: includes tombstones.
  package func search(
    base: String, scope: SearchRequest.Scope = .subtree, filter: Filter, attributes: [String],
    pageSize: Int32 = defaultPageSize, extendedDNs: Bool = false, showDeleted: Bool = false, controls: [Control] = []
  ) -> SearchStream {
    var controls = controls
    controls.append(Control(.domainScope, isCritical: false))
    if extendedDNs { controls.append(ExtendedDN.control) }
    if showDeleted { controls.append(Control(.showDeleted, isCritical: true)) }
    return SearchStream(
      connection: self, request: SearchRequest(base: base, scope: scope, filter: filter, attributes: attributes),
      pageSize: max(1, pageSize), controls: controls)
  }
}

/// The entries of a paged search. The search begins with the first call of `next()`.
package struct SearchStream: AsyncSequence, Sendable {
  package typealias Element = SearchEntry
  let connection: LDAPConnection
  let request: SearchRequest
  let pageSize: Int32
  let controls: [Control]

  package func makeAsyncIterator() -> Iterator { Iterator(self) }

  package struct Iterator: AsyncIteratorProtocol {
    private let search: SearchStream
    private var operation: Operation?
    private var batch: ArraySlice<LDAPMessage> = []
    private var emptyPages = 0
    private var isPageEmpty = true
    private var isAtEnd = false

    /// A server may send pages without entries while it looks for matches; one that sends nothing else is broken.
    private static let maximumEmptyPages = 1000

    init(_ search: SearchStream) { self.search = search }

    package mutating func next() async throws -> SearchEntry? {
      while !isAtEnd {
        guard let message = batch.popFirst() else {
          try await refill()
          continue
        }
        switch message.operation {
        case .searchResultEntry(let entry):
          isPageEmpty = false
          return try await search.connection.completingRanges(of: entry, controls: search.controls)
        case .searchResultReference(let references):
          throw search.incomplete("refers to \(references.first ?? "elsewhere") for a part of the result")
        case .searchResultDone(let result): try finishPage(result, message)
        case .intermediateResponse: continue
        default: throw LDAPError.protocolViolation(search.server, "another answer than a search's")
        }
      }
      return nil
    }

    private mutating func refill() async throws {
      let operation = operation ?? search.start()
      self.operation = operation
      batch = try await operation.next()[...]
      // The stream ends with a SearchResultDone, which sets isAtEnd.
      if batch.isEmpty { throw search.incomplete("ended the search without a result") }
    }

    private mutating func finishPage(_ result: LDAPResult, _ message: LDAPMessage) throws {
      guard result.code == .success else { throw search.failure(result) }
      guard let control = message.control(.pagedResults), let page = try? PagedResults(control) else {
        throw search.incomplete("answered a page without saying whether another follows")
      }
      if page.cookie.isEmpty {
        isAtEnd = true
        operation = nil
        return
      }
      emptyPages = isPageEmpty ? emptyPages + 1 : 0
      guard emptyPages < Self.maximumEmptyPages else {
        throw search.incomplete("sent \(emptyPages) pages without entries")
      }
      isPageEmpty = true
    }
  }

  private var server: String { connection.server.description }

  private func start() -> Operation {
    let search = Request(operation: .searchRequest(request), controls: [])
    let size = pageSize
    let controls = controls
    @Sendable func page(_ cookie: [UInt8]) -> Request {
      var request = search
      request.controls = controls + [PagedResults(size: size, cookie: cookie).control]
      return request
    }
    return connection.link.start(page([])) { message in
      guard case .searchResultDone(let result) = message.operation, result.code == .success,
        let control = message.control(.pagedResults), let answer = try? PagedResults(control), !answer.cookie.isEmpty
      else { return nil }
      return page(answer.cookie)
    }
  }

  private func failure(_ result: LDAPResult) -> LDAPError {
    LDAPError(result, action: "Searching \(request.base)", server: server)
  }

  private func incomplete(_ what: String) -> LDAPError {
    LDAPError(
      .incomplete, "Searching \(request.base): \(server) \(what); the result is incomplete.",
      remedy: "Ask a server that holds the whole naming context; nothing was concluded from the part that came.")
  }
}
