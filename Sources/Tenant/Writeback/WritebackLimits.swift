// SPDX-License-Identifier: Apache-2.0

/// How long things of password writeback last.
enum WritebackLimits {
  /// A request waits this long for Connect, in seconds; afterwards nothing is done with it.
  static let lifetime = 120
  /// A person waits this long for the outcome, in seconds: below ``TenantLimits/idleSeconds``.
  static let wait = 45
  /// And this long, in seconds, once Connect has said that it does not know: the page asks again by itself.
  static let unknownWait = 3
  /// A request that was handed out and not answered is handed out again after this time, in milliseconds, where Connect does
  /// not tell what it has in hand: an answer of the tenant may have been lost. Connect does nothing twice.
  static let redelivery: Int64 = 10_000
  /// The longest long poll, in seconds: below the idle limits of usual firewalls and proxies.
  static let poll = 25
  /// Between two looks into the database, in milliseconds.
  static let look = 100
  /// Requests that wait at a time; further people are asked to come back.
  static let waiting = 1000
  /// A late answer still counts for a day; then the request is forgotten.
  static let memory: Int64 = 86_400_000
  /// A link to choose a new password, in seconds.
  static let link = 3600
}
