// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What /proc says of processes (proc(5)).
enum ProcessTable {
  struct Entry: Sendable, Equatable {
    var pid: pid_t
    var state: Character
    var parent: pid_t
    var session: pid_t
    /// Clock ticks from the machine's start to the process's.
    var startTime: UInt64
  }

  static func entry(_ pid: pid_t) -> Entry? {
    guard let bytes = readSmall("/proc/\(pid)/stat") else { return nil }
    return parse(String(decoding: bytes, as: UTF8.self))
  }

  /// Every process.
  static func all() -> [Entry] {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var found: [Entry] = []
    while let item = readdir(directory) {
      guard let pid = pid_t(name(of: item)), let entry = entry(pid) else { continue }
      found.append(entry)
    }
    return found
  }

  /// The sessions of a process and of all that descend from it.
  static func sessions(descendingFrom leader: pid_t) -> Set<pid_t> {
    let all = all()
    var family: Set<pid_t> = [leader]
    var size = 0
    while family.count > size {
      size = family.count
      for entry in all where family.contains(entry.parent) { family.insert(entry.pid) }
    }
    return Set(all.filter { family.contains($0.pid) }.map(\.session))
  }

  static func name(of item: UnsafeMutablePointer<dirent>) -> String {
    withUnsafePointer(to: &item.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: item.pointee.d_name)) {
        String(cString: $0)
      }
    }
  }

  /// Changes with each start of the machine, after which process identifiers and start times begin anew.
  static func bootIdentifier() -> String {
    let bytes = readSmall("/proc/sys/kernel/random/boot_id") ?? []
    return String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)
  }

  /// The line of /proc/PID/stat. The second field, the name, may hold spaces and parentheses: count from the last one.
  static func parse(_ line: String) -> Entry? {
    guard let open = line.firstIndex(of: "("), let close = line.lastIndex(of: ")"), open < close,
      let pid = pid_t(line[..<open].trimmingSpaces)
    else { return nil }
    let fields = line[line.index(after: close)...].split(separator: " ")
    guard fields.count > 19, let state = fields[0].first, let parent = pid_t(fields[1]),
      let session = pid_t(fields[3]), let startTime = UInt64(fields[19])
    else { return nil }
    return Entry(pid: pid, state: state, parent: parent, session: session, startTime: startTime)
  }

  private static func readSmall(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &buffer, buffer.count)
    return count > 0 ? Array(buffer[..<count]) : nil
  }
}

extension Substring {
  fileprivate var trimmingSpaces: Substring {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}
