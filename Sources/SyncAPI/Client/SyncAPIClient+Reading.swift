// SPDX-License-Identifier: Apache-2.0

extension SyncAPIClient {
  /// The most pages of one reading: with 1,000 objects each, more than any tenant has.
  private static let maximumPages = 100_000

  /// Everything that is synchronised, page by page. The stream ends without an error only when all was delivered.
  package func objects() -> AsyncThrowingStream<[SyncObject], any Error> {
    let position = ReadingPosition(client: self)
    return AsyncThrowingStream { try await position.next() }
  }

  private actor ReadingPosition {
    let client: SyncAPIClient
    var cookie: String?
    var pages = 0
    var isOver = false

    init(client: SyncAPIClient) { self.client = client }

    func next() async throws(SyncAPIError) -> [SyncObject]? {
      guard !isOver else { return nil }
      guard pages < SyncAPIClient.maximumPages else {
        throw SyncAPIError(.tooLarge, "The service does not stop telling of further objects.")
      }
      let page = try await client.perform(ReadBack<ReadBackVersion2>(cookie: cookie))
      pages += 1
      guard page.hasMore else {
        isOver = true
        return page.objects
      }
      guard let next = page.cookie, next != cookie else {
        throw SyncAPIError(.malformed, "The service tells of further objects, and not how to ask for them.")
      }
      cookie = next
      return page.objects
    }
  }
}
