// SPDX-License-Identifier: Apache-2.0

/// Other files and directories in the place of the machine's for one program and its children: bind mounts in a mount
/// namespace of its own, so that the machine's stay as they are.
struct NameSpace: Sendable {
  struct Mount: Sendable {
    var source: String
    var target: String
  }

  var mounts: [Mount]

  /// Other hosts and name servers.
  init(hosts: String, resolver: String) {
    mounts = [Mount(source: hosts, target: "/etc/hosts"), Mount(source: resolver, target: "/etc/resolv.conf")]
  }

  init(_ mounts: [Mount]) { self.mounts = mounts }

  /// The command line that runs another one with these names. It is replaced by that program, which keeps its process.
  func entering(_ line: [String]) -> [String] {
    // A machine without /etc/resolv.conf has nothing to cover: the mount's failure is said, and the program not started.
    let script = #"while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 125; shift 2; done; shift; exec "$@""#
    return ["/usr/bin/unshare", "--mount", "--", "/bin/sh", "-c", script, "sh"]
      + mounts.flatMap { [$0.source, $0.target] } + ["--"] + line
  }
}
