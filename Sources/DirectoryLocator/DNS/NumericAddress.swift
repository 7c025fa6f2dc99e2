// SPDX-License-Identifier: Apache-2.0

import CARES
import Glibc
import Wire

/// Numeric IP addresses in their C and text forms.
enum NumericAddress {
  static func isNumeric(_ host: String) -> Bool { family(of: host) != nil }

  /// `AF_INET` or `AF_INET6`; nil for a name. A zone (`fe80::1%eth0`) is allowed.
  static func family(of host: String) -> CInt? {
    var storage = in6_addr()
    if inet_pton(AF_INET, host, &storage) == 1 { return AF_INET }
    let address = host.prefix { $0 != "%" }
    return inet_pton(AF_INET6, String(address), &storage) == 1 ? AF_INET6 : nil
  }

  /// The text of the network-order address at `bytes`, which has the size of its family.
  static func text(_ bytes: UnsafeRawPointer, family: CInt) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return nil }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Reads a `sockaddr_storage`.
  static func endpoint(_ storage: UnsafeRawPointer) -> Endpoint? {
    switch CInt(storage.load(as: sa_family_t.self)) {
    case AF_INET:
      var value = storage.load(as: sockaddr_in.self)
      return text(&value.sin_addr, family: AF_INET)
        .map { Endpoint(host: $0, port: Int(UInt16(bigEndian: value.sin_port))) }
    case AF_INET6:
      var value = storage.load(as: sockaddr_in6.self)
      return text(&value.sin6_addr, family: AF_INET6)
        .map { Endpoint(host: $0, port: Int(UInt16(bigEndian: value.sin6_port))) }
    default: return nil
    }
  }

  /// Whether this machine has a route to the address. Connecting a UDP socket asks the kernel and sends nothing.
  static func isReachable(_ address: String) -> Bool {
    guard let family = family(of: address) else { return false }
    let socket = Glibc.socket(family, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { return false }
    defer { close(socket) }
    let discard = in_port_t(9).bigEndian
    if family == AF_INET {
      var peer = sockaddr_in()
      peer.sin_family = sa_family_t(AF_INET)
      peer.sin_port = discard
      inet_pton(AF_INET, address, &peer.sin_addr)
      return connects(socket, &peer, MemoryLayout<sockaddr_in>.size)
    }
    var peer = sockaddr_in6()
    peer.sin6_family = sa_family_t(AF_INET6)
    peer.sin6_port = discard
    inet_pton(AF_INET6, address, &peer.sin6_addr)
    return connects(socket, &peer, MemoryLayout<sockaddr_in6>.size)
  }

  private static func connects(_ socket: CInt, _ peer: UnsafeRawPointer, _ size: Int) -> Bool {
    connect(socket, peer.assumingMemoryBound(to: sockaddr.self), socklen_t(size)) == 0
  }
}
