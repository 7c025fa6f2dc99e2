// SPDX-License-Identifier: Apache-2.0

import CProcess

/// Keeps secrets within this process.
enum ProcessSecrecy {
  /// From now on no core is written of this process, whatever the system's settings, and no debugger attaches to it. Called
  /// before the first password hash is read.
  static func refuseCores() {
    // It cannot fail for the process itself; were it to, locked pages are still left out of cores.
    _ = bridgehead_refuse_dumps()
  }
}
