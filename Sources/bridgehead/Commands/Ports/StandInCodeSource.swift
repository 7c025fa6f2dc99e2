// SPDX-License-Identifier: Apache-2.0

import Glibc
import Readiness
import Wire

/// Where a stand-in's code comes from: never from the command line, which every process can read.
enum StandInCodeSource {
  /// What a file or the environment holds; nil where neither is given.
  static func given(file: String?, _ environment: [String: String]) throws -> SecretBytes? {
    if let file { return try SecretFile.read(file) }
    guard let text = environment[StandInCode.variable], !text.isEmpty else { return nil }
    return SecretBytes(Array(text.utf8))
  }

  /// Asks for it on a terminal where it is not given.
  static func read(file: String?) throws -> SecretBytes {
    if let given = try given(file: file, Environment.current) { return given }
    guard isatty(STDIN_FILENO) == 1 else {
      throw CommandError(
        "stand-in.code", "There is no code for the stand-in.",
        remedy: "name its file with --code-file (--new-code makes one), or set \(StandInCode.variable).", status: .usage
      )
    }
    return try prompt()
  }

  /// Reads a line without echo.
  private static func prompt() throws -> SecretBytes {
    var settings = termios()
    guard tcgetattr(STDIN_FILENO, &settings) == 0 else {
      throw CommandError("stand-in.code", "The terminal cannot be read.", remedy: "name a file with --code-file.")
    }
    var silent = settings
    silent.c_lflag &= ~tcflag_t(ECHO)
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
    defer { tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings) }
    var question = "Code of the stand-in: "
    question.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    let line = readLine(strippingNewline: true) ?? ""
    printError("")
    return SecretBytes(Array(line.utf8))
  }
}
