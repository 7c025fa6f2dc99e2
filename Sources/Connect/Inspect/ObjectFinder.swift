// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import IdentityModel
package import Store
import SynchronisationRules
import Wire

/// Finds an object by whatever a person knows of it and shows it in every space.
package struct ObjectFinder: Sendable {
  let configuration: ConnectConfiguration
  private let vocabularies: [String: TargetVocabulary]
  let now: @Sendable () -> Date

  /// - Parameter vocabularies: of the targets that the configuration names, by name.
  package init(
    configuration: ConnectConfiguration, vocabularies: [String: TargetVocabulary], now: @escaping @Sendable () -> Date
  ) {
    self.configuration = configuration
    self.vocabularies = vocabularies
    self.now = now
  }

  /// - Parameter object: a distinguished name, a sign-in name, a `sAMAccountName`, a source anchor or an `objectGUID`.
  /// - Returns: every object that it names, usually one.
  /// - Throws: ``ConnectError`` `objectNotFound`.
  package func show(_ object: String, in store: any Store) async throws -> [ObjectView] {
    try await store.read { transaction in
      var seen: Set<Int64> = []
      return try known(object, transaction).compactMap { found in
        // Several entries of one object make one view.
        if let mv = found.mv, !seen.insert(mv).inserted { return nil }
        return try view(found.entry, found.mv, transaction)
      }
    }
  }

  func known(_ object: String, _ transaction: any Transaction) throws -> [Found] {
    let found = try find(object, transaction)
    guard !found.isEmpty else {
      throw ConnectError(
        .objectNotFound, "No object is known by \(object).",
        remedy: "Name it by distinguished name, sign-in name, sAMAccountName, source anchor or objectGUID; "
          + "run `connect preview` when it is new.")
    }
    return found
  }

  // MARK: Find

  typealias Found = (entry: Int64?, mv: Int64?)

  private func find(_ object: String, _ transaction: any Transaction) throws -> [Found] {
    if let guid = GUID(object) {
      return try transaction.query("SELECT id, mv FROM entry WHERE anchor = ?", [.blob(guid.bytes)], Self.found)
    }
    let byAnchor = try transaction.query(
      "SELECT entry.id, mv.id FROM mv LEFT JOIN entry ON entry.mv = mv.id WHERE mv.source_anchor = ?",
      [.text(object)], Self.found)
    if !byAnchor.isEmpty { return byAnchor }
    if object.contains("=") {
      let folded = DistinguishedName.folded(object)
      return try scan(transaction) { name, _ in DistinguishedName.folded(name) == folded }
    }
    if object.contains("@") {
      let byName = try transaction.query(
        """
        SELECT entry.id, claim.mv FROM claim LEFT JOIN entry ON entry.mv = claim.mv
        WHERE claim.target IN (\(configuration.targets.map { _ in "?" }.joined(separator: ", ")))
          AND claim.attr = 'userName' AND claim.folded = ? ORDER BY claim.held DESC
        """, configuration.targets.map { .text($0.name) } + [.text(object.lowercased())], Self.found)
      if !byName.isEmpty { return byName }
    }
    let name = object.lowercased()
    return try scan(transaction) { _, attributes in
      attributes.text("samaccountname")?.lowercased() == name
        || attributes.text("userprincipalname")?.lowercased() == name
    }
  }

  @Sendable private static func found(_ row: SQLRow) throws -> Found { (entry: try row[0], mv: try row[1]) }

  private func scan(
    _ transaction: any Transaction, _ matches: (String, Attributes) -> Bool
  ) throws -> [Found] {
    var result: [Found] = []
    try transaction.forEach("SELECT id, mv, dn, attrs FROM entry", []) { row in
      if matches(try row[2], try Attributes(stored: try row[3])) { result.append((try row[0], try row[1])) }
    }
    return result
  }

  // MARK: Show

  private func view(_ entry: Int64?, _ mv: Int64?, _ transaction: any Transaction) throws -> ObjectView {
    let found = try entries(of: entry, mv, explaining: false, transaction)
    var view = ObjectView(
      entries: found.map(\.0), remotes: [], pending: [],
      quarantine: try quarantine(try ids(of: entry, mv, transaction), mv, transaction))
    if let mv {
      view.metaverse = try metaverse(mv, found, transaction)
      view.replacedNames = try ReplacedNames(transaction: transaction).read(of: mv)
      for target in try targets(transaction) {
        if let remote = try remote(mv, target, transaction) { view.remotes.append(remote) }
        if let difference = try DifferenceReader(transaction: transaction, target: target).read(mv) {
          view.pending.append(difference)
        }
      }
    }
    return view
  }

  /// The targets with what each was last known to take.
  func targets(_ transaction: any Transaction) throws -> [TargetProfile] {
    try configuration.targets.compactMap { target in
      try vocabularies[target.name].map { try TargetOffer.profile(target.name, $0, in: transaction) }
    }
  }

  private func ids(of entry: Int64?, _ mv: Int64?, _ transaction: any Transaction) throws -> [Int64] {
    guard let mv else { return [entry].compactMap { $0 } }
    return try transaction.query("SELECT id FROM entry WHERE mv = ?", [.integer(mv)]) { row in try row[0] }
  }

  /// The entries of an object, in the order of their sources' precedence, with what the rules say of them.
  func entries(
    of entry: Int64?, _ mv: Int64?, explaining: Bool, _ transaction: any Transaction
  ) throws -> [(ObjectView.Entry, EntryEvaluation)] {
    try ids(of: entry, mv, transaction).compactMap { try self.entry($0, explaining: explaining, transaction) }
      .sorted { (order($0.0.source), $0.0.name) < (order($1.0.source), $1.0.name) }
  }

  /// The place of a source in the order of precedence.
  private func order(_ source: String) -> Int {
    configuration.forests.firstIndex { $0.name == source } ?? configuration.forests.count
  }

  private func entry(
    _ id: Int64, explaining: Bool, _ transaction: any Transaction
  ) throws -> (ObjectView.Entry, EntryEvaluation)? {
    try transaction.first(
      """
      SELECT source, dn, anchor, entry.kind, deleted, dirty, parent, entry.attrs, mv.nickname, partition, due.at FROM entry
      LEFT JOIN mv ON mv.id = entry.mv LEFT JOIN due ON due.entry = entry.id WHERE entry.id = ?
      """, [.integer(id)]
    ) { row in
      let source: String = try row[0]
      let kind = try row.kind(3)
      let attributes = try Attributes(stored: try row[7])
      let bytes: [UInt8] = try row[2]
      let evaluation = try EntryRules(configuration, now: now().timeIntervalSince1970, in: transaction)
        .evaluate(
          Entry(anchor: Anchor(bytes), kind: kind, name: try row[1], parent: nil, attributes: attributes), id,
          source: source, nickname: try row[8], explaining: explaining)
      let entry = ObjectView.Entry(
        source: source, name: try row[1], guid: GUID(bytes)?.description ?? Hex.encode(bytes), kind: kind,
        isDeleted: try row[4], isDirty: try row[5],
        excluded: (try row[9] as Int64) == OutsideObjects.partition
          ? "no domain that is imported holds it: the global catalog told of it"
          : try exclusion(evaluation.first, kind, parent: try row[6], in: try row[9], source, transaction),
        dueAt: try row[10],
        attributes: attributes.names.map { .init(name: $0, values: Self.readable(attributes[$0])) },
        references: try references(
          "SELECT attr, COUNT(*) FROM link WHERE owner = ? AND change IS NOT -1 GROUP BY attr", [.integer(id)],
          transaction),
        outside: try OutsideReferenceReader(transaction: transaction, targets: targets(transaction)).read(owner: id))
      return (entry, evaluation)
    }
  }

  private func exclusion(
    _ evaluation: Evaluation, _ kind: ObjectKind, parent: [UInt8]?, in partition: Int64, _ source: String,
    _ transaction: any Transaction
  ) throws -> String? {
    if kind == .foreign { return nil }
    guard kind.isExported else { return "it only gives other objects their place" }
    if let reason = evaluation.exclusion { return reason }
    switch try Scope(configuration, in: transaction).verdict(below: parent, in: partition, source: source) {
    case .included: return nil
    case .excluded(let reason): return reason
    case .unknown: return "its place is not known"
    }
  }

  private func metaverse(
    _ id: Int64, _ entries: [(ObjectView.Entry, EntryEvaluation)], _ transaction: any Transaction
  ) throws -> ObjectView.Metaverse? {
    let forms = try TargetForms(transaction: transaction, object: id).load()
    return try transaction.first(
      "SELECT kind, source_anchor, gone, attrs FROM mv WHERE id = ?", [.integer(id)]
    ) { row in
      let kind = try row.kind(0)
      let attributes = try Attributes(stored: try row[3])
      let provenance = configuration.rules.merge(entries.map(\.1.first), previous: attributes).provenance
      // With several entries, the first of those whose rule gave the value.
      func rule(_ name: String) -> String? {
        guard let rules = provenance[name] else { return nil }
        let source = entries.first { _, evaluation in
          evaluation.first.contributions.contains { $0.attribute == name && $0.rule == rules.first }
        }?.0.source
        let text = rules.joined(separator: ", ")
        return entries.count > 1 ? source.map { "\(text), from \($0)" } ?? text : text
      }
      return ObjectView.Metaverse(
        sourceAnchor: try row[1], kind: kind, isGone: try row[2],
        attributes: attributes.names.map { name in
          .init(
            name: name, values: Self.readable(attributes[name]),
            rule: rule(name))
        },
        forms: forms.isEmpty
          ? nil
          : try forms.sorted { $0.key < $1.key }.map { target, form in
            .init(target: target, attributes: Self.differing(try Attributes(stored: form), from: attributes))
          })
    }
  }

  /// The values of `form` that are others than those of `common`.
  static func differing(_ form: Attributes, from common: Attributes) -> [ObjectView.Value] {
    Set(form.names + common.names).sorted().filter { !form.sameValues(as: common, for: $0) }
      .map { .init(name: $0, values: readable(form[$0])) }
  }

  private func remote(
    _ id: Int64, _ target: TargetProfile, _ transaction: any Transaction
  ) throws -> ObjectView.Remote? {
    let key: [SQLValue] = [.text(target.name), .integer(id)]
    return try transaction.first(
      "SELECT remote_id, etag, baseline FROM remote WHERE target = ? AND mv = ?", key
    ) { row in
      let attributes = try Attributes(stored: try row[2])
      return ObjectView.Remote(
        target: target.name, id: try row[0], version: try row[1],
        attributes: attributes.names.map { .init(name: $0, values: Self.readable(attributes[$0])) },
        references: try references(
          "SELECT attr, COUNT(*) FROM remote_link WHERE target = ? AND owner = ? GROUP BY attr", key, transaction))
    }
  }

  private func references(
    _ sql: String, _ arguments: [SQLValue], _ transaction: any Transaction
  ) throws -> [String: Int] {
    let rows = try transaction.query(sql, arguments) { row in (try row[0] as String, try row[1] as Int) }
    return Dictionary(rows) { $1 }
  }

  private func quarantine(
    _ entries: [Int64], _ mv: Int64?, _ transaction: any Transaction
  ) throws -> [ObjectView.Quarantine] {
    let places = entries.map { _ in "?" }.joined(separator: ", ")
    return try transaction.query(
      """
      SELECT quarantine.reason, quarantine.detail, mv.attrs, quarantine.attempts, quarantine.next_try, quarantine.target
      FROM quarantine LEFT JOIN mv ON mv.id = CAST(quarantine.other AS INTEGER)
      WHERE quarantine.entry IN (\(places)) OR quarantine.mv = ? ORDER BY quarantine.since
      """, entries.map(SQLValue.integer) + [SQLValue(mv)]
    ) { row in
      let other = try (try row[2] as [UInt8]?).map { try Attributes(stored: $0) }
      let target: String = try row[5]
      return ObjectView.Quarantine(
        target: target == Quarantine.everyTarget ? nil : target, reason: try row[0], detail: try row[1],
        other: other.flatMap(DifferenceReader.name), attempts: try row[3],
        nextTry: try row[4])
    }
  }

  /// Text where the bytes are UTF-8 without control characters, otherwise hexadecimal.
  static func readable(_ values: [[UInt8]]) -> [String] {
    values.map { bytes in
      guard let text = String(validating: bytes, as: UTF8.self),
        !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
      else { return "0x" + Hex.encode(bytes) }
      return text
    }
  }
}
