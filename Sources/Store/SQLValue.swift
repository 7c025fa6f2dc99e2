// SPDX-License-Identifier: Apache-2.0

/// A value bound to a statement or read from a row: the five storage classes of SQLite, which PostgreSQL has as well.
package enum SQLValue: Sendable, Hashable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])
}

extension SQLValue {
  /// Nil becomes NULL.
  package init(_ text: String?) { self = text.map(SQLValue.text) ?? .null }

  /// Nil becomes NULL.
  package init(_ integer: Int64?) { self = integer.map(SQLValue.integer) ?? .null }

  /// Nil becomes NULL.
  package init(_ integer: Int?) { self = integer.map { .integer(Int64($0)) } ?? .null }

  /// True is 1 and false is 0.
  package init(_ boolean: Bool) { self = .integer(boolean ? 1 : 0) }

  /// Nil becomes NULL.
  package init(_ blob: [UInt8]?) { self = blob.map(SQLValue.blob) ?? .null }
}

extension SQLValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByNilLiteral {
  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(nilLiteral: ()) { self = .null }
}

/// A Swift type that a column can be read as. The conversion never traps: what does not fit is
/// ``StoreErrorCode/typeMismatch``.
package protocol SQLReadable {
  /// Nil when the value has another type or does not fit.
  init?(_ value: SQLValue)
}

extension SQLValue: SQLReadable {
  package init?(_ value: SQLValue) { self = value }
}

extension Int64: SQLReadable {
  package init?(_ value: SQLValue) {
    guard case .integer(let integer) = value else { return nil }
    self = integer
  }
}

extension Int: SQLReadable {
  package init?(_ value: SQLValue) {
    guard case .integer(let integer) = value else { return nil }
    self.init(exactly: integer)
  }
}

extension Bool: SQLReadable {
  package init?(_ value: SQLValue) {
    guard case .integer(let integer) = value else { return nil }
    self = integer != 0
  }
}

extension Double: SQLReadable {
  package init?(_ value: SQLValue) {
    switch value {
    case .real(let real): self = real
    case .integer(let integer): self.init(integer)
    default: return nil
    }
  }
}

extension String: SQLReadable {
  package init?(_ value: SQLValue) {
    guard case .text(let text) = value else { return nil }
    self = text
  }
}

extension [UInt8]: SQLReadable {
  package init?(_ value: SQLValue) {
    guard case .blob(let bytes) = value else { return nil }
    self = bytes
  }
}

extension Optional: SQLReadable where Wrapped: SQLReadable {
  package init?(_ value: SQLValue) {
    if case .null = value {
      self = .none
    } else if let wrapped = Wrapped(value) {
      self = .some(wrapped)
    } else {
      return nil
    }
  }
}
