// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Synchronization

/// Keeps the process's metrics and writes them in Prometheus' text format 0.0.4.
///
/// swift-metrics labels become metric names (`[^a-zA-Z0-9_:]` to `_`), dimensions become labels. Timers are summaries in
/// seconds; recorders are summaries, or gauges when they do not aggregate.
final class PrometheusRegistry: MetricsFactory, Sendable {
  /// New series beyond this are dropped: a remote peer must not be able to fill the memory with labels.
  static let maximumSeries = 10_000

  private let series = Mutex<[Key: Series]>([:])

  fileprivate struct Key: Hashable {
    let name: String
    let labels: String
  }

  fileprivate func make(_ label: String, _ dimensions: [(String, String)], _ kind: Series.Kind) -> Series {
    let labels = dimensions.map { "\(Self.name($0.0))=\"\(Self.escape($0.1))\"" }.joined(separator: ",")
    let key = Key(name: Self.name(label), labels: labels)
    return series.withLock { series in
      if let known = series[key] { return known }
      let new = Series(kind)
      if series.count < Self.maximumSeries { series[key] = new }
      return new
    }
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    make(label, dimensions, .counter)
  }
  func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
    make(label, dimensions, .counter)
  }
  func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    make(label, dimensions, .gauge)
  }
  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    make(label, dimensions, aggregate ? .summary : .gauge)
  }
  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    make(label + "_seconds", dimensions, .summary)
  }

  func destroyCounter(_: any CounterHandler) {}
  func destroyFloatingPointCounter(_: any FloatingPointCounterHandler) {}
  func destroyMeter(_: any MeterHandler) {}
  func destroyRecorder(_: any RecorderHandler) {}
  func destroyTimer(_: any TimerHandler) {}

  /// Everything as text, series of one name together.
  func exposition() -> String {
    let all = series.withLock { Array($0) }.sorted { ($0.key.name, $0.key.labels) < ($1.key.name, $1.key.labels) }
    var text = ""
    var last = ""
    for (key, series) in all {
      if key.name != last {
        text += "# TYPE \(key.name) \(series.kind.rawValue)\n"
        last = key.name
      }
      let (sum, count) = series.reading
      let labels = key.labels.isEmpty ? "" : "{\(key.labels)}"
      if series.kind == .summary {
        text += "\(key.name)_sum\(labels) \(sum)\n\(key.name)_count\(labels) \(count)\n"
      } else {
        text += "\(key.name)\(labels) \(sum)\n"
      }
    }
    return text
  }

  private static func name(_ text: String) -> String {
    String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") ? $0 : "_" })
  }

  private static func escape(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.append(character)
      }
    }
  }
}

/// One time series.
private final class Series: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
  enum Kind: String { case counter, gauge, summary }
  let kind: Kind
  private let state = Mutex<(sum: Double, count: Int)>((0, 0))

  init(_ kind: Kind) { self.kind = kind }

  var reading: (sum: Double, count: Int) { state.withLock { $0 } }

  private func add(_ value: Double) { state.withLock { $0 = ($0.sum + value, $0.count + 1) } }

  func increment(by amount: Int64) { add(Double(amount)) }
  func increment(by amount: Double) { add(amount) }
  func decrement(by amount: Double) { add(-amount) }
  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { state.withLock { $0 = (value, 1) } }
  func reset() { state.withLock { $0 = (0, 0) } }
  func record(_ value: Int64) { record(Double(value)) }
  func record(_ value: Double) { if kind == .gauge { set(value) } else { add(value) } }
  func recordNanoseconds(_ duration: Int64) { add(Double(duration) / 1e9) }
}
