// SPDX-License-Identifier: Apache-2.0

extension SCIMClient {
  /// Sends a request beyond RFC 7644 with the client's way of tokens, throttling and retries. Doing it twice has to be the
  /// same as doing it once.
  /// - Parameter path: below the base URL, percent-encoded.
  package func patch(extension path: String, _ body: JSONValue) async throws(SCIMClientError) -> JSONValue? {
    try await request("PATCH", extension: path, body)
  }

  /// - Parameter isRepeatable: whether doing it twice is the same as doing it once; else a lost answer ends with
  ///   `outcomeUnknown`.
  package func request(
    _ method: String, extension path: String, _ body: JSONValue? = nil, isRepeatable: Bool = true
  ) async throws(SCIMClientError) -> JSONValue? {
    try await send(method, path, body: body, repetition: isRepeatable ? .safe : .unsafe).body
  }

  /// The same with POST.
  package func post(extension path: String, _ body: JSONValue) async throws(SCIMClientError) -> JSONValue? {
    try await send("POST", path, body: body, repetition: .safe).body
  }
}
