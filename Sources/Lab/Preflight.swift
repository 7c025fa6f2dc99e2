// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What a machine must offer before a lab can start, said by name when it does not.
enum Preflight {
  /// What the lab runs or loads, and the Debian package that brings it.
  static let needed: [(file: String, package: String)] = [
    ("samba", "samba-ad-dc"), ("/usr/share/samba/setup/provision.ldif", "samba-ad-provision"),
    ("/usr/lib/python3/dist-packages/samba/__init__.py", "python3-samba"), ("mdb_copy", "lmdb-utils"),
    ("tar", "tar"), ("zstd", "zstd"), ("unshare", "util-linux"), ("ldapsearch", "ldap-utils"),
    ("dig", "bind9-dnsutils"), ("kinit", "krb5-user"), ("smbd", "samba"), ("winbindd", "winbind"),
    ("smbclient", "smbclient"),
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
        try reachable(controller.address)
        for port in [53, 88, 135, 389, 445, 464, 636, 3268, 3269] { try bindable(controller.address, UInt16(port)) }
      }
      if crl { try bindable(forest.crl.address, UInt16(LabCRLServer.port)) }
    }
  }

  /// A new network namespace starts with its loopback interface down, where addresses can be bound but not reached. A datagram
  /// socket's connect only looks up the route.
  private static func reachable(_ address: String) throws(LabError) {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard call(connect, descriptor, address, 53) != 0 else { return }
    throw LabError(
      .loopbackDown,
      "\(address) cannot be reached (\(String(cString: strerror(errno)))): the loopback interface is down.",
      remedy: "ip link set lo up")
  }

  private static func bindable(_ address: String, _ port: UInt16) throws(LabError) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var one: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    guard call(bind, descriptor, address, port) != 0 else { return }
    guard errno == EADDRINUSE else {
      throw LabError(
        .notPrivileged, "\(address) port \(port) cannot be used: \(String(cString: strerror(errno))).",
        remedy: "Run the lab as root, or in a network namespace of your own: unshare -rn.")
    }
    throw LabError(
      .addressInUse, "\(address) port \(port) is in use, so a server of the lab cannot start there.",
      remedy: "Stop the program that uses it (ss -ltnp 'sport = :\(port)'), or choose other addresses with --network.")
  }

  private static func call(
    _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ descriptor: Int32, _ address: String,
    _ port: UInt16
  ) -> Int32 {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    inet_pton(AF_INET, address, &name.sin_addr)
    return withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
