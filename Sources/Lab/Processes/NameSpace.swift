// SPDX-License-Identifier: Apache-2.0

/// Other hosts and name servers for one program and its children: bind mounts over /etc/hosts and /etc/resolv.conf in a mount
/// namespace of its own, so that the machine's files stay as they are.
struct NameSpace: Sendable {
  var hosts: String
  var resolver: String

  /// The command line that runs another one with these names. It is replaced by that program, which keeps its process.
  func entering(_ line: [String]) -> [String] {
    // A machine without /etc/resolv.conf has nothing to cover: the mount's failure is said, and the program not started.
    let script = #"mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf || exit 125; shift 2; exec "$@""#
    return ["/usr/bin/unshare", "--mount", "--", "/bin/sh", "-c", script, "sh", hosts, resolver] + line
  }
}
