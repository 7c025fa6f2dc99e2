// SPDX-License-Identifier: Apache-2.0

package import Logging
import Synchronization

/// Keeps what is logged, as one text a record.
package final class RecordedLog: Sendable {
  private let kept = Mutex<[String]>([])

  package init() {}

  package var lines: [String] { kept.withLock { $0 } }

  package var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

  private func add(_ line: String) { kept.withLock { $0.append(line) } }

  private struct Handler: LogHandler {
    let log: RecordedLog
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    init(log: RecordedLog) { self.log = log }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
      log.add((["\(event.level) \(event.message)"] + fields.map { "\($0.key)=\($0.value)" }).joined(separator: " "))
    }
  }
}
