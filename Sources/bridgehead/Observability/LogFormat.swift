// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import Synchronization

/// How log records are written: one line each, to standard error.
enum LogFormat: String, CaseIterable, ExpressibleByArgument, Sendable { case text, json }

/// A log handler that writes one line a record.
struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  let label: String
  let format: LogFormat
  /// Keeps the records of several threads apart, also those that are longer than a pipe writes at once (PIPE_BUF).
  private static let output = Mutex(())

  init(label: String, level: Logger.Level, format: LogFormat) {
    self.label = label
    self.format = format
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    let time = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    var line: String
    switch format {
    case .text:
      line = "\(time) \(event.level.rawValue) \(label): \(Self.oneLine("\(event.message)"))"
      for (key, value) in fields { line += " \(key)=\(Self.quoted("\(value)"))" }
    case .json:
      line = "{\"time\":\"\(time)\",\"level\":\"\(event.level.rawValue)\",\"logger\":"
      line += Self.json(label) + ",\"message\":" + Self.json("\(event.message)")
      for (key, value) in fields {
        // A field must not stand for one of the record's own (RFC 8259 4: names should be unique).
        let name = Self.ownNames.contains(key) ? key + "_" : key
        line += ",\(Self.json(name)):\(Self.json("\(value)"))"
      }
      line += "}"
    }
    line += "\n"
    line.withUTF8 { bytes in
      Self.output.withLock { _ in
        var rest = UnsafeRawBufferPointer(bytes)[...]
        while !rest.isEmpty {
          let count = write(STDERR_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
          if count < 0, errno == EINTR { continue }
          guard count > 0 else { return }
          rest = rest.dropFirst(count)
        }
      }
    }
  }

  private static let ownNames: Set<String> = ["time", "level", "logger", "message"]

  private static func oneLine(_ text: String) -> String {
    VisibleText.of(text.split(whereSeparator: \.isNewline).joined(separator: " | "))
  }

  private static func quoted(_ text: String) -> String {
    text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3d && $0 < 0x7f } && !text.isEmpty ? text : json(text)
  }

  /// RFC 8259 7: the characters that must be escaped, and all other controls.
  static func json(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case let scalar where VisibleText.isHidden(scalar): result += VisibleText.escape(scalar)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
