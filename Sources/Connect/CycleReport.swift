// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// The phases of a pass, by the names that code, log, database and documentation share.
package enum Phase: String, Sendable, Codable, CaseIterable {
  case `import`, synchronise, `guard`, export, confirm
}

/// What one pass did.
package struct CycleReport: Sendable, Codable {
  package enum Mode: String, Sendable, Codable { case delta, full, preview }

  /// What was read from one partition of one source.
  package struct Import: Sendable, Codable {
    package var source: String
    package var partition: String
    package var mode: ImportReading.Mode
    /// Why it was a full reading, or what this way of reading loses.
    package var note: String?
    package var server = ""
    package var isComplete = false
    /// Changes told by the source.
    package var read = 0
    package var added = 0
    package var changed = 0
    package var deleted = 0
    /// References added or removed.
    package var links = 0
    /// Rows of the store that were written; nil in reports of earlier versions.
    package var rows: Int?
    /// Bytes that the directory sent; nil in reports of earlier versions.
    package var bytes: Int?
    /// Nil when everything was shown that was shown before.
    package var hidden: Hidden?

    init(source: String, partition: String, mode: ImportReading.Mode, note: String?) {
      self.source = source
      self.partition = partition
      self.mode = mode
      self.note = note
      rows = 0
    }

    /// A further reading of the same partition in the same pass.
    mutating func add(_ further: Import) {
      server = further.server
      isComplete = further.isComplete
      read += further.read
      added += further.added
      changed += further.changed
      deleted += further.deleted
      links += further.links
      rows = (rows ?? 0) + (further.rows ?? 0)
      bytes = (bytes ?? 0) + (further.bytes ?? 0)
      hidden = further.hidden ?? hidden
    }

    mutating func add(_ outcome: Staging.Outcome) {
      read += outcome.read
      added += outcome.added
      changed += outcome.changed
      deleted += outcome.deleted
      links += outcome.links
      rows = (rows ?? 0) + outcome.rows
    }
  }

  /// How many operations of each sort the target carried out for one kind of object.
  package struct Exported: Sendable, Codable, Equatable {
    package var created = 0
    /// Objects that the target turned out to hold already.
    package var adopted = 0
    package var updated = 0
    package var deleted = 0
    package var linksAdded = 0
    package var linksRemoved = 0

    package var total: Int { created + adopted + updated + deleted + linksAdded + linksRemoved }
  }

  package struct PhaseTime: Sendable, Codable {
    package var phase: Phase
    /// Seconds.
    package var elapsed: Double
  }

  /// What a source's Global Catalog was asked.
  package struct References: Sendable, Codable, Equatable {
    package var source: String
    /// Objects that it told of.
    package var resolved = 0
    /// Objects that it does not know.
    package var unknown = 0
    /// Objects for which it could not be asked.
    package var waiting = 0
    /// Why it could not be asked; nil when it could.
    package var failure: String?

    init(source: String) { self.source = source }
  }

  package var mode: Mode
  /// Seconds since 1970.
  package var started: Double
  /// In staging mode nothing is exported; nil when not.
  package var isStaging: Bool?
  /// Passes that changed nothing since the one before it in the run history; nil when none.
  package var quietBefore: Int?
  /// How many passes in a row failed like this one; nil when it was one.
  package var repetitions: Int?
  package var phases: [PhaseTime] = []
  package var imports: [Import] = []
  /// Nil when no reference pointed outside what is imported, or nothing had to be asked again.
  package var references: [References]?
  /// Entries and references that were synchronised.
  package var synchronised = 0
  package var exported: [String: Exported] = [:]
  /// Requests sent to the target for changes.
  package var requests = 0
  /// Objects whose confirmed state still differs from what was asked for.
  package var differing = 0
  /// Users whose sign-in name a target got under its own domain, at each target, whatever the pass did; nil when none.
  package var replacedNames: Int?
  /// Objects and values that are held back at the end of the pass.
  package var quarantined = 0
  /// Operations that are left for a later pass.
  package var pending = 0
  /// In a preview: what an export would do.
  package var preview: PreviewSummary?
  package var errors: [String] = []
  /// Errors beyond those that are named; nil when none. What concerns an object is in quarantine, too, where
  /// `connect errors` finds every one.
  package var furtherErrors: Int?
  /// Sources that could not be read: what they last said stays; nil when none.
  package var leftBehind: [String]?
  /// Entries of which nothing is concluded, because what stands above them was not read, by source; nil when none.
  package var placeless: [String: Int]?
  /// Kinds of objects that a target has no place for; nil when none.
  package var leftOut: [String]?

  /// Takes over what was done for one of the targets.
  mutating func add(_ part: CycleReport) {
    phases += part.phases
    for (kind, counts) in part.exported { exported[kind, default: Exported()].add(counts) }
    requests += part.requests
    differing += part.differing
    quarantined += part.quarantined
    pending += part.pending
    errors += part.errors
    if let other = part.replacedNames { replacedNames = (replacedNames ?? 0) + other }
    if let other = part.leftOut { leftOut = (leftOut ?? []) + other }
  }

  init(mode: Mode, started: Double, isStaging: Bool = false) {
    self.mode = mode
    self.started = started
    self.isStaging = isStaging ? true : nil
  }

  /// Errors that a report names: a target that refuses everybody must not make a row of the run history of it.
  static let maximumErrors = 100

  mutating func limitErrors() {
    guard errors.count > Self.maximumErrors else { return }
    furtherErrors = (furtherErrors ?? 0) + errors.count - Self.maximumErrors
    errors.removeLast(errors.count - Self.maximumErrors)
  }

  package func elapsed(_ phase: Phase) -> Double? {
    let times = phases.filter { $0.phase == phase }
    return times.isEmpty ? nil : times.reduce(0) { $0 + $1.elapsed }
  }

  /// Whether nothing was read, synchronised or exported.
  var changedNothing: Bool { imports.allSatisfy { $0.read == 0 } && synchronised == 0 && requests == 0 }

  package func exported(_ kind: ObjectKind) -> Exported { exported[kind.rawValue] ?? Exported() }

  mutating func count(_ kind: ObjectKind, _ change: (inout Exported) -> Void) {
    change(&exported[kind.rawValue, default: Exported()])
  }
}

/// Tells how far a phase has come, for progress bars; called often, from any thread.
package struct Progress: Sendable {
  private let callback: @Sendable (Phase, _ done: Int, _ total: Int?) -> Void

  package init(_ callback: @escaping @Sendable (Phase, _ done: Int, _ total: Int?) -> Void) {
    self.callback = callback
  }

  package static let none = Progress { _, _, _ in }

  func report(_ phase: Phase, done: Int, total: Int?) { callback(phase, done, total) }
}
