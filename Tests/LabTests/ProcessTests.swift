// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TestSupport

@testable import Lab

@Suite struct ProcessTests {
  private static let environment = ["PATH": "/usr/bin:/bin"]

  private func shell(_ script: String, input: [UInt8] = []) async throws -> Command.Result {
    try await Command("/bin/sh", ["-c", script], environment: Self.environment).run(input: input)
  }

  @Test func outputInputAndStatusComeBack() async throws {
    let result = try await shell("cat; echo said >&2; exit 7", input: Array("asked".utf8))
    #expect(result.text == "asked")
    #expect(result.errorText == "said\n")
    #expect(result.status == 7)
    #expect(try await shell("kill -9 $$").status == 137)
  }

  @Test func muchOutputAndUnreadInputDoNotStall() async throws {
    let much = try await shell("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2")
    #expect(much.output.count == 3_000_000)
    #expect(much.errors.count == 3_000_000)
    let unread = try await shell("exec <&-; exit 3", input: [UInt8](repeating: 65, count: 2_000_000))
    #expect(unread.status == 3)
  }

  @Test func linesOfErrorsAreToldWhole() async throws {
    var splitter = LineSplitter()
    #expect(splitter.add(Array("one\ntw".utf8)[...]) == ["one"])
    #expect(splitter.add(Array("o\n\nthree".utf8)[...]) == ["two", ""])
  }

  @Test func aMissingProgramIsSaid() async {
    await #expect(throws: LabError.self) {
      try await Command("/nonexistent/program", [], environment: [:]).run()
    }
  }

  @Test func cancellationEndsTheProgram() async throws {
    let task = Task {
      try await Command("/bin/sleep", ["1000"], environment: Self.environment).run()
    }
    task.cancel()
    #expect(try await task.value.status == 128 + SIGTERM)
  }

  @Test func noDescriptorIsInherited() async throws {
    let inherited = open("/dev/null", O_RDONLY)
    defer { close(inherited) }
    let listing = try await shell("ls /proc/self/fd").text.split(separator: "\n").compactMap { Int($0) }
    // 0 to 2, and the one with which ls reads the directory.
    #expect(listing.count <= 4 && !listing.contains { $0 > 3 }, "\(listing)")
  }

  @Test func statLinesWithStrangeNamesAreRead() throws {
    let fields = "S 7 42 43 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 1 0 987654 0 0"
    let entry = try #require(ProcessTable.parse("42 (samba: task) (x) \(fields)"))
    #expect(entry == ProcessTable.Entry(pid: 42, state: "S", parent: 7, session: 43, startTime: 987_654))
    #expect(ProcessTable.parse("42 (short) S 1") == nil)
    #expect(ProcessTable.parse("") == nil)
    #expect(ProcessTable.parse(")(") == nil)
  }

  /// As Samba starts smbd and winbindd: in sessions of their own, and in no hurry to end.
  @Test func aServerIsStoppedWithTheSessionsOfItsDescendants() async throws {
    let directory = try TemporaryDirectory()
    let script =
      "setsid sh -c 'echo $$ >\"$0\"/pid; trap \"\" TERM; exec sleep 1000' '\(directory.path)' & exec sleep 1000"
    let process = try SupervisedProcess.start(
      "server", "/bin/sh", ["-c", script], environment: Self.environment, log: directory.path + "/log",
      records: directory.path)
    func descendant() -> pid_t? {
      (try? String(contentsOfFile: directory.path + "/pid", encoding: .utf8)).flatMap {
        pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines))
      }
    }
    try await eventually { descendant() != nil }
    let other = try #require(descendant())
    #expect(ProcessTable.entry(other)?.session == other)
    try await process.stop(records: directory.path, grace: .milliseconds(50))
    #expect(ProcessTable.entry(other).map { $0.state == "Z" } ?? true)
  }

  @Test func aServerIsStoppedWithItsWholeSession() async throws {
    let directory = try TemporaryDirectory()
    let script = "trap '' TERM; ( exec sleep 1000) & exec sleep 1000"
    let process = try SupervisedProcess.start(
      "server", "/bin/sh", ["-c", script], environment: Self.environment, log: directory.path + "/log",
      records: directory.path)
    #expect(process.isRunning)
    let found = try #require(SupervisedProcess.read("server", records: directory.path))
    #expect(found.isRunning)
    // The leader ignores SIGTERM, before and after its exec: KILL must follow.
    try await found.stop(records: directory.path, grace: .milliseconds(300))
    #expect(!process.isRunning)
    #expect(ProcessTable.all().allSatisfy { $0.session != process.pid || $0.state == "Z" })
    #expect(SupervisedProcess.all(records: directory.path).isEmpty)
  }

  @Test func anotherProcessOfTheSameNumberIsLeftAlone() async throws {
    let directory = try TemporaryDirectory()
    let process = try SupervisedProcess.start(
      "server", "/bin/sleep", ["1000"], environment: Self.environment, log: directory.path + "/log",
      records: directory.path)
    for (startTime, boot) in [(process.startTime - 1, process.boot), (process.startTime, "another boot")] {
      let stale = SupervisedProcess(name: "stale", pid: process.pid, startTime: startTime, boot: boot)
      #expect(!stale.isRunning)
      try await stale.stop(records: directory.path)
      #expect(process.isRunning)
    }
    try await process.stop(records: directory.path)
    #expect(!process.isRunning)
  }
}
