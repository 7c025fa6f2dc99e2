// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc

/// Keeps secrets within this process.
enum ProcessSecrecy {
  /// The signals for which Swift's runtime may catch a crash.
  private static let crashes = [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP]

  /// From now on no core is written of this process, whatever the system's settings, and no debugger attaches to it. Called
  /// before the first password hash is read.
  ///
  /// Swift's runtime answers a crash with a helper that reads the process's memory. It could not read it any more, and
  /// the crashed process would wait for it forever: a crash is left to the kernel, which ends the process at once.
  static func refuseCores() {
    for crash in crashes { signal(crash, SIG_DFL) }
    // It cannot fail for the process itself; were it to, locked pages are still left out of cores.
    _ = bridgehead_refuse_dumps()
  }
}
