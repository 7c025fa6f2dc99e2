// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the process has used so far.
struct Usage {
  /// Seconds of a clock that only runs forward.
  var wall: Double
  /// User and system time of all threads, in seconds.
  var cpu: Double

  static var now: Usage {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let (user, system) = (usage.ru_utime, usage.ru_stime)
    return Usage(
      wall: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9,
      cpu: Double(user.tv_sec + system.tv_sec) + Double(user.tv_usec + system.tv_usec) / 1e6)
  }

  /// A line of /proc/self/status in KiB: `VmHWM` for the peak of the resident memory, `VmRSS` for the present.
  static func memory(_ name: String) -> Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix(name + ":") else { continue }
      return Int(text.dropFirst(name.count + 1).filter(\.isNumber)) ?? 0
    }
    return 0
  }
}

/// What one measurement gave; written as one line of JSON.
struct Measurement: Encodable {
  var mode: String
  var entries: Int
  /// References between entries (members, managers) among them.
  var links: Int
  /// Seconds, sign-in excluded.
  var wall: Double
  /// Seconds of the process's own processor time, sign-in excluded.
  var cpu: Double
  /// Microseconds of own processor time for each entry.
  var cpuPerEntry: Double
  /// Mebibytes of resident memory: the peak, and before anything was read.
  var peak: Double
  var before: Double

  static func take(_ mode: String, _ body: () async throws -> (entries: Int, links: Int)) async throws -> Measurement {
    let before = Double(Usage.memory("VmRSS")) / 1024
    let start = Usage.now
    let count = try await body()
    let end = Usage.now
    let cpu = end.cpu - start.cpu
    return Measurement(
      mode: mode, entries: count.entries, links: count.links, wall: end.wall - start.wall, cpu: cpu,
      cpuPerEntry: cpu / Double(max(1, count.entries)) * 1e6, peak: Double(Usage.memory("VmHWM")) / 1024,
      before: before)
  }
}
