// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import Wire

/// A program that runs to its end while its output is collected.
package struct Command: Sendable {
  package var executable: String
  package var arguments: [String]
  package var environment: [String: String]

  package init(_ executable: String, _ arguments: [String], environment: [String: String]) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
  }

  /// - Parameter line: the executable, then its arguments.
  init(_ line: [String], environment: [String: String]) {
    self.init(line.first ?? "", Array(line.dropFirst()), environment: environment)
  }

  package struct Result: Sendable {
    /// The exit status, or 128 and the number of the signal.
    package var status: Int32
    package var output: [UInt8]
    package var errors: [UInt8]

    package var text: String { String(decoding: output, as: UTF8.self) }
    package var errorText: String { String(decoding: errors, as: UTF8.self) }
  }

  /// What a program may print before the rest is dropped: far more than any tool of the lab says.
  static let largestOutput = 64 << 20

  /// Runs the program. When the task is cancelled, the program is terminated.
  /// - Parameters:
  ///   - input: its standard input.
  ///   - onErrorLine: called for each line on its standard error, while it runs.
  package func run(
    input: [UInt8] = [], onErrorLine: (@Sendable (String) -> Void)? = nil
  ) async throws -> Result {
    let child = Child()
    return try await withTaskCancellationHandler {
      try await DetachedThread.run { try runBlocking(input, child, onErrorLine) }
    } onCancel: {
      child.terminate()
    }
  }

  /// The child's process identifier, as long as it may be signalled: from its start to its reaping.
  private final class Child: Sendable {
    private let state = Mutex<(pid: pid_t?, terminated: Bool)>((nil, false))

    func started(_ pid: pid_t) {
      state.withLock {
        $0.pid = pid
        if $0.terminated { kill(pid, SIGTERM) }
      }
    }

    /// The status is collected while the lock is held, so that no signal can reach another process of the same number.
    func reap(_ pid: pid_t) -> Int32 {
      var information = siginfo_t()
      while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
      return state.withLock {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        $0.pid = nil
        return status
      }
    }

    func terminate() {
      state.withLock {
        $0.terminated = true
        if let pid = $0.pid { kill(pid, SIGTERM) }
      }
    }
  }

  private func runBlocking(_ input: [UInt8], _ child: Child, _ onErrorLine: ((String) -> Void)?) throws -> Result {
    var pairs: [SocketPair] = []
    defer { for pair in pairs { pair.close() } }
    for _ in 0..<3 { pairs.append(try socketPair()) }
    let pid = try Spawn.start(
      executable, arguments, environment: environment,
      descriptors: (pairs[0].theirs, pairs[1].theirs, pairs[2].theirs), session: false)
    child.started(pid)
    for index in pairs.indices { pairs[index].closeTheirs() }
    var result = Result(status: 0, output: [], errors: [])
    var lines = LineSplitter()
    converse(pairs.map(\.ours), input) { isError, bytes in
      if isError {
        if result.errors.count < Self.largestOutput { result.errors += bytes }
        for line in lines.add(bytes) { onErrorLine?(line) }
      } else if result.output.count < Self.largestOutput {
        result.output += bytes
      }
    }
    let status = child.reap(pid)
    result.status = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    return result
  }

  /// Feeds the input and reads both outputs until the child has closed them.
  private func converse(_ descriptors: [Int32], _ input: [UInt8], _ body: (Bool, ArraySlice<UInt8>) -> Void) {
    var sent = 0
    var buffer = [UInt8](repeating: 0, count: 65536)
    var polled = descriptors.enumerated().map {
      pollfd(fd: $0.element, events: Int16($0.offset == 0 ? POLLOUT : POLLIN), revents: 0)
    }
    func finishInput() {
      shutdown(descriptors[0], Int32(SHUT_WR))
      polled[0].fd = -1  // poll ignores negative descriptors
    }
    while polled[1].fd >= 0 || polled[2].fd >= 0 {
      if poll(&polled, nfds_t(polled.count), -1) < 0 {
        if errno == EINTR { continue }
        return
      }
      if polled[0].fd >= 0, polled[0].revents != 0 {
        let count = input.withUnsafeBytes {
          send(
            polled[0].fd, $0.baseAddress.map { $0 + sent }, $0.count - sent,
            Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        if count >= 0 { sent += count }
        if sent == input.count || (count < 0 && errno != EINTR && errno != EAGAIN) { finishInput() }
      }
      for index in 1...2 where polled[index].fd >= 0 && polled[index].revents != 0 {
        let count = read(polled[index].fd, &buffer, buffer.count)
        if count > 0 {
          body(index == 2, buffer[..<count])
        } else if count == 0 || errno != EINTR {
          polled[index].fd = -1
        }
      }
    }
  }

  /// Sockets instead of pipes: they are close-on-exec from the start, so that no other child started at the same moment
  /// keeps them open, and writing to one that nobody reads raises no signal.
  private struct SocketPair {
    var ours: Int32
    var theirs: Int32

    mutating func closeTheirs() {
      if theirs >= 0 { Glibc.close(theirs) }
      theirs = -1
    }

    func close() {
      Glibc.close(ours)
      if theirs >= 0 { Glibc.close(theirs) }
    }
  }

  private func socketPair() throws(LabError) -> SocketPair {
    var descriptors: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &descriptors) == 0 else { throw exhausted() }
    return SocketPair(ours: descriptors[0], theirs: descriptors[1])
  }

  private func exhausted() -> LabError {
    LabError(
      .commandFailed, "\(executable) cannot be started: \(String(cString: strerror(errno))).",
      remedy: "Raise the limits on memory and open files (ulimit -n).")
  }
}

/// Cuts a stream of bytes into lines.
struct LineSplitter {
  private var rest: [UInt8] = []

  mutating func add(_ bytes: ArraySlice<UInt8>) -> [String] {
    rest += bytes
    var lines: [String] = []
    while let end = rest.firstIndex(of: 0x0a) {
      lines.append(String(decoding: rest[..<end], as: UTF8.self))
      rest.removeFirst(end + 1)
    }
    return lines
  }
}
