// SPDX-License-Identifier: Apache-2.0

/// What one client may ask of the tenant. The configuration sets the requests a minute and the bytes of a body; the rest are
/// constants. What a filter, a PATCH and a JSON text may have beyond is limited by `FilterLimits`, `PatchRequest` and
/// `JSONLimits`.
package struct TenantLimits: Sendable, Equatable {
  /// Bytes of a request's body (413 beyond): a group with 10,000 members is about 1 MiB.
  package var bodyBytes = 4 << 20
  /// Nested arrays and objects of a body; RFC 7643 resources need 4, bulk operations with them 8.
  package var jsonDepth = 16
  /// Bytes of a request's path and query (414 beyond): a filter of 16 KiB, percent-encoded in part.
  package var targetBytes = 24 << 10
  /// Bytes of all header fields together (NIOHTTP2's own default is 16 KiB).
  package var headerBytes = 16 << 10
  /// The number of header fields.
  package var headerFields = 100
  /// Resources in one answer; what is asked beyond is cut to this (RFC 7644 3.4.2.4 allows it).
  package var pageSize = 1000
  /// Resources in one answer when the client names no count.
  package var defaultPageSize = 100
  /// Members in one answer; a client that wants no members excludes them.
  package var membersInAnswer = 200_000
  /// Operations of one bulk request (413 beyond).
  package var bulkOperations = 1000
  /// Requests a second that one token may send for long, and how many at once after a pause (429 beyond).
  package var requestsPerSecond = 200.0
  package var requestBurst = 400.0
  /// Connections at a time; further ones wait in the listen queue.
  package var connections = 512
  /// Seconds for a TLS handshake.
  package var handshakeSeconds = 10
  /// Seconds between two requests of a connection, in which the next header must have arrived whole.
  package var idleSeconds = 60
  /// Seconds in which a request's body must have arrived whole.
  package var bodySeconds = 60
  /// Seconds in which the client must have read the answer.
  package var answerSeconds = 120
  /// Seconds that requests under way have at a graceful stop.
  package var drainSeconds = 20
  /// Days that a deleted resource can be restored, as in Entra ID.
  package var restorableDays = 30

  package init() {}
}
