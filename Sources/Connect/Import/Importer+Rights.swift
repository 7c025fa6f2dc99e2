// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// What a reading left out because the account may not see it stays as it was read last, and is told.
extension Importer {
  /// Writes changes that lack what their entries had.
  func apply(
    doubtful: [(change: Change, loss: Loss)], _ staging: Staging, _ rights: any ReadingRights, since last: Watermark?,
    _ report: inout CycleReport.Import
  ) async throws {
    let hidden = try await rights.hidden(doubtful.map(\.loss), since: last)
    var settled = staging
    settled.losses = .known(hidden: hidden)
    // Those that had been deleted were read again to get here.
    (settled.isDelta, settled.isRereading) = (false, true)
    let changes = doubtful.map(\.change)
    report.add(try await store.write { [settled] transaction in try settled.apply(changes[...], in: transaction) })
    guard !hidden.isEmpty else { return }
    report.addHidden(
      objects: hidden.count, hidden.values.reduce(into: Set()) { $0.formUnion($1) },
      in: try await units(of: hidden.keys))
  }

  /// Takes those of the entries that a complete enumeration did not bring for met that may be there all the same.
  func keepUnseen(
    _ staging: Staging, _ rights: any ReadingRights, _ report: inout CycleReport.Import
  ) async throws {
    let absentees = try await store.read { transaction in try staging.absentees(transaction) }
    let unseen = Array(try await rights.unseen(absentees))
    guard !unseen.isEmpty else { return }
    for slice in unseen.chunks(of: Self.transactionSize) {
      try await store.write { transaction in try staging.keep(slice, in: transaction) }
    }
    report.addUnseen(unseen.count, in: try await units(of: unseen))
  }

  /// Tells of new entries that were not shown as a whole.
  func leaveOut(_ partial: [Absentee], _ needed: Set<String>, _ report: inout CycleReport.Import) async throws {
    let above = Set(partial.compactMap(\.parent))
    let units = try await store.read { [name = source.name] transaction in
      try above.reduce(into: Set<String>()) { units, anchor in
        let unit: String? = try transaction.value(
          "SELECT dn FROM entry WHERE anchor = ? AND source = ?", [.blob(anchor.bytes), .text(name)])
        if let unit { units.insert(unit) }
      }
    }
    report.addNewcomers(partial.count, needed, in: units)
  }

  /// The names of what stands above entries.
  private func units(of anchors: some Sequence<Anchor>) async throws -> Set<String> {
    let anchors = Array(anchors)
    return try await store.read { [name = source.name] transaction in
      try anchors.reduce(into: Set()) { units, anchor in
        let unit: String? = try transaction.value(
          """
          SELECT above.dn FROM entry JOIN entry AS above ON above.anchor = entry.parent AND above.source = entry.source
          WHERE entry.anchor = ? AND entry.source = ?
          """, [.blob(anchor.bytes), .text(name)])
        if let unit { units.insert(unit) }
      }
    }
  }
}

extension CycleReport.Import {
  fileprivate mutating func addHidden(objects: Int, _ attributes: Set<String>, in units: Set<String>) {
    var hidden = hidden ?? CycleReport.Hidden()
    hidden.objects += objects
    hidden.attributes.formUnion(attributes)
    hidden.units.formUnion(units)
    self.hidden = hidden
  }

  fileprivate mutating func addNewcomers(_ count: Int, _ needed: Set<String>, in units: Set<String>) {
    var hidden = hidden ?? CycleReport.Hidden()
    hidden.newcomers += count
    hidden.needed.formUnion(needed)
    hidden.units.formUnion(units)
    self.hidden = hidden
  }

  fileprivate mutating func addUnseen(_ count: Int, in units: Set<String>) {
    var hidden = hidden ?? CycleReport.Hidden()
    hidden.unseen += count
    hidden.units.formUnion(units)
    self.hidden = hidden
  }
}
