// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Progress of long work on standard error: a bar with rate and remaining time on a terminal, a line for each phase
/// otherwise.
final class ProgressLine: Sendable {
  private struct State {
    var phase = ""
    var started: ContinuousClock.Instant
    var drawn: ContinuousClock.Instant
    var done = 0
  }
  private let terminal: Terminal
  private let quiet: Bool
  private let state: Mutex<State>

  init(_ terminal: Terminal, quiet: Bool) {
    self.terminal = terminal
    self.quiet = quiet
    let now = ContinuousClock.now
    state = Mutex(State(started: now, drawn: now))
  }

  /// - Parameter total: nil when the end is not known.
  func update(_ phase: String, _ done: Int, of total: Int?) {
    guard !quiet else { return }
    let now = ContinuousClock.now
    let line: String? = state.withLock { state in
      let isNew = state.phase != phase
      if isNew {
        state.phase = phase
        state.started = now
      }
      state.done = done
      let finished = total.map { done >= $0 } ?? false
      guard terminal.drawsProgress else { return isNew ? "\(phase) …\n" : nil }
      guard isNew || finished || now - state.drawn > .milliseconds(100) else { return nil }
      state.drawn = now
      return "\r\u{1b}[K" + Self.bar(phase, done, total, now - state.started, columns: terminal.columns)
    }
    if let line { write(line) }
  }

  /// Ends the bar; what follows starts on a new line.
  func finish() {
    guard !quiet, terminal.drawsProgress else { return }
    write("\r\u{1b}[K")
  }

  private func write(_ text: String) {
    var text = text
    text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  static func bar(_ phase: String, _ done: Int, _ total: Int?, _ elapsed: Duration, columns: Int) -> String {
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    let rate = seconds > 0.05 ? Double(done) / seconds : 0
    let speed = rate > 0 ? " \(Int(rate))/s" : ""
    guard let total, total > 0 else { return "\(phase) \(done)\(speed)" }
    let share = min(1, Double(done) / Double(total))
    let remaining = rate > 0 && done < total ? " \(Int((Double(total - done) / rate).rounded(.up))) s left" : ""
    let tail = " \(done)/\(total)\(speed)\(remaining)"
    let width = max(8, min(40, columns - phase.count - tail.count - 4))
    let filled = Int(Double(width) * share)
    return "\(phase) [" + String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled) + "]"
      + tail
  }
}
