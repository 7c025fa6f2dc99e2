// SPDX-License-Identifier: Apache-2.0

import Glibc

/// `posix_spawn` with everything that a child must not inherit taken away: descriptors, ignored and blocked signals.
enum Spawn {
  /// glibc's POSIX_SPAWN_SETSID (spawn.h), which Swift's import of that header lacks.
  private static let setSession: Int32 = 0x80

  /// - Parameters:
  ///   - descriptors: become the child's 0, 1 and 2.
  ///   - session: make the child leader of a new session.
  /// - Throws: ``LabError`` of code `commandFailed`.
  static func start(
    _ executable: String, _ arguments: [String], environment: [String: String],
    descriptors: (input: Int32, output: Int32, errors: Int32), session: Bool
  ) throws(LabError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, descriptors.input, 0)
    posix_spawn_file_actions_adddup2(&actions, descriptors.output, 1)
    posix_spawn_file_actions_adddup2(&actions, descriptors.errors, 2)
    // Ours are marked close-on-exec; this is for those that we inherited ourselves.
    for descriptor in openDescriptors() where descriptor > 2 { posix_spawn_file_actions_addclose(&actions, descriptor) }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (session ? setSession : 0)
    posix_spawnattr_setflags(&attributes, Int16(flags))

    var argv = ([executable] + arguments).map { strdup($0) } + [nil]
    var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
      for pointer in argv + envp { free(pointer) }
    }
    var pid = pid_t()
    let status = posix_spawn(&pid, executable, &actions, &attributes, &argv, &envp)
    guard status == 0 else {
      throw LabError(
        .commandFailed, "\(executable) cannot be started: \(String(cString: strerror(status))).",
        remedy: "Check that the program is installed and executable.")
    }
    return pid
  }

  private static func openDescriptors() -> [Int32] {
    guard let directory = opendir("/proc/self/fd") else { return [] }
    defer { closedir(directory) }
    var found: [Int32] = []
    while let item = readdir(directory) {
      if let descriptor = Int32(ProcessTable.name(of: item)) { found.append(descriptor) }
    }
    return found
  }

  /// The first executable of this name on a search path.
  static func find(_ program: String, path: String) -> String? {
    if program.contains("/") { return access(program, X_OK) == 0 ? program : nil }
    return path.split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
  }
}
