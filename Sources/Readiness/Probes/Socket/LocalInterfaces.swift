// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Which interface of this machine holds an address.
enum LocalInterfaces {
  /// - Returns: nil when no interface has the address.
  static func name(of address: String) -> String? {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return nil }
    defer { freeifaddrs(first) }
    var next = first
    while let entry = next?.pointee {
      next = entry.ifa_next
      guard let pointer = entry.ifa_addr else { continue }
      let size =
        switch CInt(pointer.pointee.sa_family) {
        case AF_INET: MemoryLayout<sockaddr_in>.size
        case AF_INET6: MemoryLayout<sockaddr_in6>.size
        default: 0
        }
      if SocketAddressText.address(UnsafeRawBufferPointer(start: pointer, count: size)) == address {
        return String(cString: entry.ifa_name)
      }
    }
    return nil
  }
}

/// Socket addresses in their text forms.
enum SocketAddressText {
  /// The numeric address in the bytes of a `sockaddr`; nil for other families and short ones.
  static func address(_ bytes: UnsafeRawBufferPointer) -> String? {
    guard bytes.count >= 2 else { return nil }
    let family = CInt(bytes.loadUnaligned(as: sa_family_t.self))
    // The address stands at offset 4 in sockaddr_in, at 8 in sockaddr_in6.
    let (offset, size) = family == AF_INET ? (4, 4) : (8, 16)
    guard family == AF_INET || family == AF_INET6, bytes.count >= offset + size, let base = bytes.baseAddress else {
      return nil
    }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(family, base + offset, &text, socklen_t(text.count)) != nil else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// This end of a socket.
  static func local(_ descriptor: CInt) -> String? {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &storage) { bytes in
      guard let base = bytes.baseAddress,
        getsockname(descriptor, base.assumingMemoryBound(to: sockaddr.self), &size) == 0
      else { return nil }
      return address(UnsafeRawBufferPointer(bytes))
    }
  }
}
