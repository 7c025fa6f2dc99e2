// SPDX-License-Identifier: Apache-2.0

extension SCIMClient {
  /// Sends a request beyond RFC 7644 with the client's way of tokens, throttling and retries. Doing it twice has to be the
  /// same as doing it once.
  /// - Parameter path: below the base URL, percent-encoded.
  package func patch(extension path: String, _ body: JSONValue) async throws(SCIMClientError) -> JSONValue? {
    try await send("PATCH", path, body: body, repetition: .safe).body
  }

  /// The same with POST.
  package func post(extension path: String, _ body: JSONValue) async throws(SCIMClientError) -> JSONValue? {
    try await send("POST", path, body: body, repetition: .safe).body
  }
}
