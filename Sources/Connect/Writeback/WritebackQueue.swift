// SPDX-License-Identifier: Apache-2.0

/// The requests in hand, and which of them may begin: so many at a time, half of them for one domain, so that a controller
/// that hangs leaves places for the others; one at a time for an account, in the order in which they came.
struct WritebackQueue: Sendable {
  private let running: Int
  private let perDomain: Int
  private var waiting: [WritebackTicket] = []
  private var underWay: [String: WritebackTicket] = [:]

  /// - Parameter concurrency: at least 1.
  init(concurrency: Int) {
    running = concurrency
    perDomain = max(1, concurrency / 2)
  }

  var count: Int { waiting.count + underWay.count }
  var identifiers: [String] { underWay.keys + waiting.map(\.id) }

  func ticket(_ id: String) -> WritebackTicket? { underWay[id] ?? waiting.first { $0.id == id } }

  mutating func add(_ ticket: WritebackTicket) { waiting.append(ticket) }

  /// Takes those that may begin.
  mutating func begin() -> [WritebackTicket] {
    var accounts = Set(underWay.values.map(\.account))
    var domains = underWay.values.reduce(into: [String: Int]()) { $0[$1.domain, default: 0] += 1 }
    var begun: [WritebackTicket] = []
    waiting.removeAll { ticket in
      guard underWay.count + begun.count < running, !accounts.contains(ticket.account) else {
        // Those behind it of the same account wait for it.
        accounts.insert(ticket.account)
        return false
      }
      accounts.insert(ticket.account)
      guard domains[ticket.domain, default: 0] < perDomain else { return false }
      domains[ticket.domain, default: 0] += 1
      begun.append(ticket)
      return true
    }
    for ticket in begun { underWay[ticket.id] = ticket }
    return begun
  }

  /// It is over: it ended, or waits for nothing any more.
  mutating func end(_ id: String) { underWay[id] = nil }
}
