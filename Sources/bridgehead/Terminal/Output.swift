// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Where a command's result goes.
enum Output {
  /// - Parameters:
  ///   - path: nil or `-` for standard output; a file is replaced as a whole.
  ///   - source: the file that the result was made from, which is never replaced.
  static func write(_ text: String, to path: String?, keeping source: String? = nil) throws {
    guard let path, path != "-" else { return print(text, terminator: "") }
    if let source, URL(filePath: path).standardized == URL(filePath: source).standardized {
      throw CommandError(
        "output.source", "\(path) is the file that this was made from.", remedy: "name another file with --output.",
        status: .usage)
    }
    do {
      try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw CommandError(
        "output.write", "\(path) cannot be written: \(error).", remedy: "name a file in a folder that you may write.")
    }
    printError("wrote \(path)")
  }

  /// Writes a configuration that somebody is to edit, and says what comes then.
  ///
  /// - Parameters:
  ///   - path: `-` for standard output.
  ///   - force: replaces a file that is there already.
  ///   - wayOut: what to do about such a file, instead of naming another one.
  static func write(configuration text: String, to path: String, force: Bool = false, wayOut: String) throws {
    guard path != "-" else { return print(text, terminator: "") }
    guard force || !FileManager.default.fileExists(atPath: path) else {
      throw CommandError(
        "config.exists", "\(path) is there already.", remedy: "name another file with --output, or \(wayOut).")
    }
    do {
      try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw CommandError(
        "config.write", "\(path) cannot be written: \(error).", remedy: "name a file in a folder that you may write.")
    }
    printError("wrote \(path); edit it, then run 'bridgehead config validate --config \(path)'")
  }
}
