// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Numeric IP addresses in their C and text forms.
package enum NumericAddress {
  package static func isNumeric(_ host: String) -> Bool { family(of: host) != nil }

  /// `AF_INET` or `AF_INET6`; nil for a name. A zone (`fe80::1%eth0`) is allowed.
  package static func family(of host: String) -> CInt? {
    switch bytes(of: String(host.prefix { $0 != "%" }))?.count {
    case 4: host.contains("%") ? nil : AF_INET
    case 16: AF_INET6
    default: nil
    }
  }

  /// 4 or 16 bytes in network order; nil for a name, and for an address with a zone.
  package static func bytes(of text: String) -> [UInt8]? {
    // Plain bytes: which module the system's address structures belong to depends on what else is imported.
    for (family, size) in [(AF_INET, 4), (AF_INET6, 16)] {
      var bytes = [UInt8](repeating: 0, count: size)
      if inet_pton(family, text, &bytes) == 1 { return bytes }
    }
    return nil
  }

  /// The text of 4 or 16 bytes in network order; nil for any other number.
  package static func text(_ bytes: some Collection<UInt8>) -> String? {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    return Array(bytes).withUnsafeBytes { raw in
      raw.baseAddress.flatMap { text($0, family: raw.count == 4 ? AF_INET : AF_INET6) }
    }
  }

  /// The text of the network-order address at `bytes`, which has the size of its family.
  package static func text(_ bytes: UnsafeRawPointer, family: CInt) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return nil }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Address and port in the bytes of a `sockaddr`; nil for other families and short ones.
  package static func endpoint(_ bytes: UnsafeRawBufferPointer) -> Endpoint? {
    guard bytes.count >= 2 else { return nil }
    let family = CInt(bytes.loadUnaligned(as: sa_family_t.self))
    // The port stands at offset 2, the address at 4 in sockaddr_in, at 8 in sockaddr_in6.
    let (offset, size) = family == AF_INET ? (4, 4) : (8, 16)
    guard family == AF_INET || family == AF_INET6, bytes.count >= offset + size, let base = bytes.baseAddress else {
      return nil
    }
    let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    return text(base + offset, family: family).map { Endpoint(host: $0, port: Int(port)) }
  }

  /// This end of a socket.
  package static func local(_ descriptor: CInt) -> Endpoint? {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &storage) { bytes in
      guard let base = bytes.baseAddress,
        getsockname(descriptor, base.assumingMemoryBound(to: sockaddr.self), &size) == 0
      else { return nil }
      return endpoint(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Whether this machine has a route to a numeric address; true where that cannot be told.
  package static func hasRoute(to address: String) -> Bool {
    withDatagramSocket(towards: address) { _, failure in
      // EINVAL: a link-local address without its zone.
      ![ENETUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL].contains(failure)
    } ?? false
  }

  /// The address that the kernel would send from; nil without a route.
  package static func source(towards address: String) -> String? {
    withDatagramSocket(towards: address) { descriptor, failure in failure == 0 ? local(descriptor)?.host : nil } ?? nil
  }

  /// Connecting a datagram socket asks the routing table and sends nothing.
  /// - Parameter body: gets the socket, -1 where there is none, and the system's error number or 0.
  /// - Returns: nil when the address is not numeric.
  private static func withDatagramSocket<R>(towards address: String, _ body: (CInt, CInt) -> R) -> R? {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    hints.ai_socktype = CInt(SOCK_DGRAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    // Port 9 is discard's (RFC 863).
    guard getaddrinfo(address, "9", &hints, &list) == 0, let list else { return nil }
    defer { freeaddrinfo(list) }
    let descriptor = socket(list.pointee.ai_family, hints.ai_socktype | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return body(descriptor, errno) }
    defer { close(descriptor) }
    return body(
      descriptor, connect(descriptor, list.pointee.ai_addr, list.pointee.ai_addrlen) == 0 ? 0 : errno)
  }
}
