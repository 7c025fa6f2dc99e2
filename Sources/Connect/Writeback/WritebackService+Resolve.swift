// SPDX-License-Identifier: Apache-2.0

import PasswordWriteback
import Wire

extension WritebackService {
  /// A controller that still had the call of a killed process in its hands has done it after this time, in seconds.
  static let strokeTime: Double = 5
  /// Other controllers know of a change after this time, in seconds: changes of passwords are sent to the PDC at once, the
  /// rest replicates within sites in a minute.
  static let replicationTime: Double = 900
  /// A look at a controller that takes longer, in seconds, is given up until the next one.
  static let lookTime: Double = 10
  /// After this time nobody waits any more, in seconds.
  static let resolutionTime: Double = 86_400

  /// Looks whether an interrupted request was carried out. Nothing is sent again.
  ///
  /// - Returns: nil as long as it cannot be told.
  func resolve(_ record: WritebackRecord) async throws -> WritebackOutcome? {
    let age = now() - record.at
    guard age <= Self.resolutionTime else { return WritebackOutcome(.failed, .unresolved) }
    guard let place = record.place, let directory = directories.first(where: { $0.source == place.source }),
      let session = try? await directory.open(place.domain, preferring: place.server)
    else { return nil }
    let found: WritebackAccount?
    do { found = try await session.use { try await $0.account(place.identifier) } } catch {
      if Self.isCancelled(error) { throw error }
      return nil
    }
    guard let found else { return WritebackOutcome(.failed, .notSynchronised) }
    if Self.wasDone(record, found.password) { return WritebackOutcome(.done, version: found.password.version) }
    let settled = session.server == place.server ? Self.strokeTime : Self.replicationTime
    return age > settled ? WritebackOutcome(.failed, .interrupted) : nil
  }

  /// One version more, or another time: nobody else is expected to have changed it within these seconds, and who waits is told
  /// to try both.
  private static func wasDone(_ record: WritebackRecord, _ after: PasswordState) -> Bool {
    guard record.header.operation != .unlock else { return !after.isLocked }
    if let before = record.before.version, let version = after.version { return version > before }
    guard let before = record.before.lastSet, let lastSet = after.lastSet else { return false }
    return lastSet != before
  }
}
