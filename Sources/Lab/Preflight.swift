// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What a machine must offer before a lab can start, said by name when it does not.
enum Preflight {
  /// What the lab runs or loads, and the Debian package that brings it.
  static let needed: [(file: String, package: String)] = [
    ("samba", "samba-ad-dc"), ("/usr/share/samba/setup/provision.ldif", "samba-ad-provision"),
    ("/usr/lib/python3/dist-packages/samba/__init__.py", "python3-samba"), ("mdb_copy", "lmdb-utils"),
    ("tar", "tar"), ("zstd", "zstd"), ("unshare", "util-linux"), ("ldapsearch", "ldap-utils"),
    ("dig", "bind9-dnsutils"), ("kinit", "krb5-user"),
  ]

  static func packages(path: String) throws(LabError) {
    let missing = needed.filter { entry in
      entry.file.hasPrefix("/") ? !Files.exists(entry.file) : Spawn.find(entry.file, path: path) == nil
    }
    guard missing.isEmpty else {
      let packages = missing.map(\.package).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
      throw LabError(
        .missingPrograms,
        "The lab needs \(missing.map(\.file).joined(separator: ", ")), which this machine does not have.",
        remedy: "apt-get install --no-install-recommends \(packages.joined(separator: " "))")
    }
  }

  static func privileges() throws(LabError) {
    guard geteuid() == 0 else {
      throw LabError(
        .notPrivileged,
        "The lab's servers use ports below 1024 and files that Samba wants to own as root.",
        remedy:
          "Run it as root, or in namespaces of your own: unshare -rn sh -c 'ip link set lo up; bridgehead lab up …'.")
    }
  }

  /// Binds and releases each address and port: what fails now would fail less clearly in Samba.
  static func addresses(_ forests: [ForestPlan], crl: Bool) throws(LabError) {
    for forest in forests {
      for controller in forest.controllers {
        for port in [53, 88, 135, 389, 464, 636, 3268, 3269] { try bindable(controller.address, UInt16(port)) }
      }
      if crl { try bindable(forest.crl.address, UInt16(LabCRLServer.port)) }
    }
  }

  private static func bindable(_ address: String, _ port: UInt16) throws(LabError) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var one: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    inet_pton(AF_INET, address, &name.sin_addr)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
    }
    guard status != 0 else { return }
    switch errno {
    case EADDRINUSE:
      throw LabError(
        .addressInUse, "\(address) port \(port) is in use, so a server of the lab cannot start there.",
        remedy: "Stop the program that uses it (ss -ltnp 'sport = :\(port)'), or choose other addresses with --network."
      )
    case EADDRNOTAVAIL:
      throw LabError(
        .loopbackDown, "The loopback interface is down: \(address) does not exist here.",
        remedy: "ip link set lo up (a new network namespace starts with it down)")
    default:
      throw LabError(
        .notPrivileged, "\(address) port \(port) cannot be used: \(String(cString: strerror(errno))).",
        remedy: "Run the lab as root, or in a network namespace of your own: unshare -rn.")
    }
  }
}
