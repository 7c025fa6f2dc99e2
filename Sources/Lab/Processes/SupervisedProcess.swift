// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// A server of the lab: started in a session of its own, remembered in a file, found again by any later command.
///
/// A process identifier alone may by now be another process's; with the start time and the machine's boot it cannot.
struct SupervisedProcess: Codable, Sendable {
  var name: String
  var pid: pid_t
  var startTime: UInt64
  var boot: String

  /// A server that does not end after SIGTERM is killed: Samba needs well under a second.
  static let grace: Duration = .seconds(10)

  /// Starts a server whose output goes to a log, and writes its record.
  static func start(
    _ name: String, _ executable: String, _ arguments: [String], environment: [String: String], log: String,
    records: String
  ) throws(LabError) -> SupervisedProcess {
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    defer {
      close(null)
      close(output)
    }
    guard null >= 0, output >= 0 else {
      throw LabError(
        .file, "The log \(log) cannot be opened: \(String(cString: strerror(errno))).",
        remedy: "Check the directory's permissions.")
    }
    let pid = try Spawn.start(
      executable, arguments, environment: environment, descriptors: (null, output, output), session: true)
    guard let entry = ProcessTable.entry(pid) else {
      throw LabError(.commandFailed, "\(name) ended at once.", remedy: "Read \(log).")
    }
    let process = SupervisedProcess(
      name: name, pid: pid, startTime: entry.startTime, boot: ProcessTable.bootIdentifier())
    do {
      try Files.write([UInt8](JSONEncoder().encode(process)), to: Self.file(name, records), mode: 0o600)
    } catch {
      kill(pid, SIGTERM)
      throw LabError(.file, "The record of \(name) cannot be written: \(error)", remedy: "Check \(records).")
    }
    return process
  }

  static func read(_ name: String, records: String) -> SupervisedProcess? {
    guard let bytes = try? Files.read(file(name, records)) else { return nil }
    return try? JSONDecoder().decode(SupervisedProcess.self, from: Data(bytes))
  }

  static func all(records: String) -> [SupervisedProcess] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: records)) ?? []
    return names.filter { $0.hasSuffix(".process") }.sorted().compactMap {
      read(String($0.dropLast(".process".count)), records: records)
    }
  }

  private static func file(_ name: String, _ records: String) -> String { "\(records)/\(name).process" }

  /// Whether this very process lives. A child of ours that has ended is reaped on the way.
  var isRunning: Bool {
    guard boot == ProcessTable.bootIdentifier() else { return false }
    guard let entry = ProcessTable.entry(pid), entry.startTime == startTime else { return false }
    reap(entry)
    return entry.state != "Z"
  }

  /// Collects the status of a leader that has ended and is this program's child; otherwise it does nothing.
  private func reap(_ leader: ProcessTable.Entry) {
    var status: Int32 = 0
    if leader.state == "Z" { waitpid(pid, &status, WNOHANG) }
  }

  /// Ends the server and everything in its session and in those that its descendants began (smbd and winbindd do), and
  /// forgets it.
  func stop(records: String, grace: Duration = Self.grace) async throws {
    var sessions: Set<pid_t> = [pid]
    if isRunning {
      sessions.formUnion(ProcessTable.sessions(descendingFrom: pid))
      kill(pid, SIGTERM)
    }
    let clock = ContinuousClock()
    let patience = clock.now + grace
    while !members(of: sessions).isEmpty, clock.now < patience { try await Task.sleep(for: .milliseconds(20)) }
    while true {
      let left = members(of: sessions)
      if left.isEmpty { break }
      for member in left { kill(member.pid, SIGKILL) }
      try await Task.sleep(for: .milliseconds(20))
    }
    try Files.remove(Self.file(name, records))
  }

  /// The live processes of the sessions. A session's number stays in use while a member lives; members cannot be older
  /// than the leader, which tells them from a session of the same number before it.
  private func members(of sessions: Set<pid_t>) -> [ProcessTable.Entry] {
    guard boot == ProcessTable.bootIdentifier() else { return [] }
    if let leader = ProcessTable.entry(pid) {
      guard leader.startTime == startTime else { return [] }
      reap(leader)
    }
    return ProcessTable.all().filter {
      sessions.contains($0.session) && $0.state != "Z" && $0.startTime >= startTime
    }
  }
}
