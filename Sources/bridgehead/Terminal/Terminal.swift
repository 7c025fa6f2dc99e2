// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What standard output and standard error can show.
struct Terminal: Sendable {
  /// Standard error is a terminal that understands cursor movement: progress bars are drawn there.
  let drawsProgress: Bool
  /// Standard output takes colours: it is a terminal and NO_COLOR (https://no-color.org) is not set.
  let colours: Bool
  let columns: Int

  init(environment: [String: String]) {
    let smart = environment["TERM"] != nil && environment["TERM"] != "dumb"
    drawsProgress = isatty(STDERR_FILENO) == 1 && smart
    colours = isatty(STDOUT_FILENO) == 1 && smart && (environment["NO_COLOR"] ?? "").isEmpty
    var size = winsize()
    columns = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  enum Style: String, CaseIterable {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
  }

  func styled(_ text: String, _ style: Style) -> String {
    colours ? Self.sequence(style.rawValue) + text + Self.sequence(Self.plain) : text
  }

  private static let plain = "0"
  /// Select Graphic Rendition (ECMA-48 8.3.117).
  private static func sequence(_ parameter: String) -> String { "\u{1b}[\(parameter)m" }
  /// What this program itself sends to a terminal.
  static let sequences = ([plain] + Style.allCases.map(\.rawValue)).map(sequence)
}

/// Writes a line to standard error: progress, warnings, errors. Results go to standard output.
func printError(_ text: String) {
  var line = VisibleText.of(text) + "\n"
  line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// Writes a line to standard output at once, for readers that wait for it.
func printLine(_ text: String) {
  var line = VisibleText.of(text) + "\n"
  line.withUTF8 { _ = write(STDOUT_FILENO, $0.baseAddress, $0.count) }
}
