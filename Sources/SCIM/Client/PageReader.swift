// SPDX-License-Identifier: Apache-2.0

/// Reads a list page after page (RFC 7644 3.4.2.4) and notices when what it reads cannot be the whole.
actor PageReader {
  private let client: SCIMClient
  private let endpoint: String
  private var query: ListQuery
  private var nextIndex = 1
  private var total: Int?
  private var firstOfPage: String?
  private var isDone = false

  init(client: SCIMClient, endpoint: String, query: ListQuery) {
    self.client = client
    self.endpoint = endpoint
    self.query = query
    nextIndex = query.startIndex ?? 1
  }

  /// - Returns: nil after the last page.
  func next() async throws(SCIMClientError) -> [SCIMResource]? {
    guard !isDone else { return nil }
    query.startIndex = nextIndex
    query.count = query.count ?? client.configuration.pageSize
    let page = try await client.list(endpoint, query)
    if let total, page.totalResults < total {
      throw incomplete("\(total - page.totalResults) of \(total) results vanished while the pages were read")
    }
    total = page.totalResults
    let read = nextIndex - 1 + page.resources.count
    isDone = read >= page.totalResults
    if page.resources.isEmpty {
      guard isDone else { throw incomplete("the page at \(nextIndex) of \(page.totalResults) is empty") }
      return nil
    }
    if let first = page.resources.first?.id {
      guard first != firstOfPage else { throw incomplete("the service sent the same page twice") }
      firstOfPage = first
    }
    nextIndex = read + 1
    return page.resources
  }

  private func incomplete(_ why: String) -> SCIMClientError {
    isDone = true
    return SCIMClientError(.incomplete, "The list of \(endpoint) is not complete: \(why).")
  }
}
