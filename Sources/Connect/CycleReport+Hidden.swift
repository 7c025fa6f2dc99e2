// SPDX-License-Identifier: Apache-2.0

extension CycleReport {
  /// What the account is not shown although it is, or may be, there.
  package struct Hidden: Sendable, Codable, Equatable {
    /// Objects of which values are hidden that were shown before: those stay as they were read last.
    package var objects = 0
    /// Names of attributes, as they are kept.
    package var attributes: Set<String> = []
    /// Objects that were shown before and are not shown at all: they stay, too.
    package var unseen = 0
    /// New users that are left out, because some of ``needed`` is hidden.
    package var newcomers = 0
    package var needed: Set<String> = []
    /// The distinguished names of what stands above them all.
    package var units: Set<String> = []

    /// Units that a message has room for.
    private static let named = 3

    package var message: String {
      var sentences: [String] = []
      let values = objects > 0 ? "\(attributes.sorted().joined(separator: ", ")) of \(objects) objects" : nil
      let missing = unseen > 0 ? "\(unseen) objects themselves" : nil
      let kept = [values, missing].compactMap { $0 }
      if !kept.isEmpty {
        sentences.append(
          "The service account is not shown \(kept.joined(separator: ", nor ")), which it was shown before: they stay as "
            + "they were read last.")
      }
      if newcomers > 0 {
        sentences.append(
          "\(newcomers) new users are left out, of whom it is not shown \(needed.sorted().joined(separator: " or ")).")
      }
      let more = units.count > Self.named ? " and \(units.count - Self.named) other units" : ""
      let places = units.isEmpty ? "the domain" : units.sorted().prefix(Self.named).joined(separator: "; ") + more
      sentences.append(
        "Give it List Contents, Read Property and Read Permissions below \(places), then run "
          + "'bridgehead connect sync --full'.")
      return sentences.joined(separator: " ")
    }
  }
}
