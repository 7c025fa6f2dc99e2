// SPDX-License-Identifier: Apache-2.0

/// MS-ADTS 3.1.1.3.1.3.3: the option `range=low-high` of an attribute whose values come in parts; `high` is `*` in the
/// last part.
struct ValueRange: Hashable {
  var low: Int
  var high: Int?

  init?(option: some StringProtocol) {
    let parts = option.lowercased().split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "range" else { return nil }
    let bounds = parts[1].split(separator: "-", omittingEmptySubsequences: false)
    guard bounds.count == 2, let low = Int(bounds[0]), low >= 0 else { return nil }
    self.low = low
    if bounds[1] == "*" {
      high = nil
    } else {
      guard let high = Int(bounds[1]), high >= low else { return nil }
      self.high = high
    }
  }
}

extension Attribute {
  var range: ValueRange? {
    guard name.utf8.contains(UInt8(ascii: ";")) else { return nil }
    return options.lazy.compactMap { ValueRange(option: $0) }.first
  }

  /// The name without its range option.
  var nameWithoutRange: String {
    ([type] + options.filter { ValueRange(option: $0) == nil }).joined(separator: ";")
  }
}

extension LDAPConnection {
  /// Parts of one attribute: 10,000 of at least a few hundred values each are beyond any directory's limits.
  private static let maximumParts = 10_000

  /// Reads the rest of each attribute that came in a range; most entries pass unchanged.
  func completingRanges(of entry: SearchEntry, controls: [Control]) async throws -> SearchEntry {
    guard entry.attributes.contains(where: { $0.range != nil }) else { return entry }
    var complete = entry
    complete.attributes = []
    let ranged = Set(entry.attributes.filter { $0.range != nil }.map { $0.nameWithoutRange.lowercased() })
    for attribute in entry.attributes {
      if let range = attribute.range {
        complete.attributes.append(
          Attribute(attribute.nameWithoutRange, try await allValues(of: attribute, range, entry, controls)))
      } else if !attribute.values.isEmpty || !ranged.contains(attribute.name.lowercased()) {
        // Beside the range the server sends the attribute without values: that is no value of its own.
        complete.attributes.append(attribute)
      }
    }
    return complete
  }

  private func allValues(
    of attribute: Attribute, _ first: ValueRange, _ entry: SearchEntry, _ controls: [Control]
  ) async throws -> [ArraySlice<UInt8>] {
    let name = attribute.nameWithoutRange
    // The object is found by its GUID where it is known: it may be renamed meanwhile.
    let base = entry.extendedDN?.guid.map { "<GUID=\($0)>" } ?? entry.dn
    var values = attribute.values
    var high = first.high
    guard first.low == 0 else { throw brokenRange(name, entry) }
    for _ in 0..<Self.maximumParts {
      guard let last = high else { return values }
      guard last == values.count - 1 else { throw brokenRange(name, entry) }
      let part = try await baseObject(base, ["\(name);range=\(last + 1)-*"], .present("objectClass"), controls).entry
      let next = part?.attributes.first { $0.range != nil && $0.nameWithoutRange.equalsIgnoringASCIICase(name) }
      guard let next, let range = next.range, range.low == last + 1, !next.values.isEmpty || range.high == nil else {
        throw brokenRange(name, entry)
      }
      values += next.values
      high = range.high
    }
    throw brokenRange(name, entry)
  }

  private func brokenRange(_ name: String, _ entry: SearchEntry) -> LDAPError {
    LDAPError(
      .incomplete, "\(server) did not send all values of \(name) of \(entry.dn): a part is missing or out of order.",
      remedy: "The object was changed or deleted meanwhile: read it again.")
  }
}
