// SPDX-License-Identifier: Apache-2.0

import Glibc
import Wire

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
      if NumericAddress.endpoint(UnsafeRawBufferPointer(start: pointer, count: size))?.host == address {
        return String(cString: entry.ifa_name)
      }
    }
    return nil
  }
}
