// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOPosix
import Wire

/// The system's resolver (`getaddrinfo`: /etc/hosts, nsswitch, resolv.conf), on threads of its own.
package struct SystemNameResolver: NameResolver {
  private let threads: NIOThreadPool

  package init(threads: NIOThreadPool = .singleton) { self.threads = threads }

  /// - Throws: ``HTTPError`` with code `nameNotFound`.
  package func addresses(of host: String) async throws -> [String] {
    try await threads.runIfActive { try Self.lookUp(host) }
  }

  private static func lookUp(_ host: String) throws(HTTPError) -> [String] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, nil, &hints, &list)
    guard code == 0 else {
      throw HTTPError(.nameNotFound, "The name \(host) cannot be resolved: \(String(cString: gai_strerror(code))).")
    }
    defer { freeaddrinfo(list) }
    var addresses: [String] = []
    var next = list
    while let entry = next?.pointee {
      next = entry.ai_next
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      guard
        getnameinfo(
          entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
      else { continue }
      let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if !addresses.contains(address) { addresses.append(address) }
    }
    guard !addresses.isEmpty else { throw HTTPError(.nameNotFound, "The name \(host) has no address.") }
    return addresses
  }
}
