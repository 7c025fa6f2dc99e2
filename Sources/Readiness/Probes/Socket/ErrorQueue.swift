// SPDX-License-Identifier: Apache-2.0

import Glibc
import Wire

/// The errors that Linux keeps for a socket with `IP_RECVERR` (ip(7), ipv6(7)): only they tell a reset from an ICMP
/// message, and who sent it.
enum ErrorQueue {
  /// linux/in6.h; glibc's module does not export it.
  private static let ipv6ReceiveErrors: CInt = 25
  /// linux/errqueue.h `SO_EE_ORIGIN_…`.
  private enum Origin {
    static let icmp: UInt8 = 2
    static let icmp6: UInt8 = 3
  }
  /// `struct cmsghdr` on 64-bit Linux: length, level, type.
  private static let headerSize = 16
  /// `struct sock_extended_err`: errno, origin, type, code, padding, info, data.
  private static let errorSize = 16

  static func enable(_ descriptor: CInt, ipv6: Bool) {
    var on: CInt = 1
    let size = socklen_t(MemoryLayout<CInt>.size)
    setsockopt(descriptor, CInt(IPPROTO_IP), CInt(IP_RECVERR), &on, size)
    if ipv6 { setsockopt(descriptor, CInt(IPPROTO_IPV6), ipv6ReceiveErrors, &on, size) }
  }

  /// Takes the next ICMP error; nil when there is none.
  static func next(_ descriptor: CInt) -> ICMPError? {
    var control = [UInt8](repeating: 0, count: 512)
    var payload = [UInt8](repeating: 0, count: 512)
    let used = control.withUnsafeMutableBytes { control in
      payload.withUnsafeMutableBytes { payload in
        var vector = iovec(iov_base: payload.baseAddress, iov_len: payload.count)
        return withUnsafeMutablePointer(to: &vector) { vector in
          var message = msghdr()
          message.msg_iov = vector
          message.msg_iovlen = 1
          message.msg_control = control.baseAddress
          message.msg_controllen = control.count
          return recvmsg(descriptor, &message, CInt(MSG_ERRQUEUE) | CInt(MSG_DONTWAIT)) < 0
            ? 0 : Int(message.msg_controllen)
        }
      }
    }
    return parse(control.prefix(used).map { $0 })
  }

  static func parse(_ control: [UInt8]) -> ICMPError? {
    control.withUnsafeBytes { bytes in
      var offset = 0
      while offset + headerSize + errorSize <= bytes.count {
        let length = bytes.loadUnaligned(fromByteOffset: offset, as: Int.self)
        let level = bytes.loadUnaligned(fromByteOffset: offset + 8, as: CInt.self)
        let type = bytes.loadUnaligned(fromByteOffset: offset + 12, as: CInt.self)
        guard length >= headerSize, length <= bytes.count - offset else { return nil }
        let isIPv4 = level == CInt(IPPROTO_IP) && type == CInt(IP_RECVERR)
        let isIPv6 = level == CInt(IPPROTO_IPV6) && type == ipv6ReceiveErrors
        if isIPv4 || isIPv6, length >= headerSize + errorSize {
          let error = offset + headerSize
          let origin = bytes[error + 4]
          guard origin == Origin.icmp || origin == Origin.icmp6 else { return nil }
          let sender = UnsafeRawBufferPointer(rebasing: bytes[(error + errorSize)..<(offset + length)])
          let address = NumericAddress.endpoint(sender)?.host ?? ""
          return ICMPError(
            type: Int(bytes[error + 5]), code: Int(bytes[error + 6]), isIPv6: origin == Origin.icmp6, sender: address,
            isLocal: LocalInterfaces.name(of: address) != nil)
        }
        // CMSG_ALIGN.
        offset += (length + 7) & ~7
      }
      return nil
    }
  }
}
