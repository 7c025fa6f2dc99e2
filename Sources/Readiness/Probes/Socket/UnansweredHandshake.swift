// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What Linux remembers of a TCP handshake that nobody answered (tcp(7), `TCP_INFO`).
enum UnansweredHandshake {
  /// Whether this machine itself kept the SYNs back, as a rule of its firewall for `output` or `postrouting` does.
  ///
  /// A datagram's sender gets EPERM for that; TCP swallows the error and repeats the SYN. But of its repetitions it counts
  /// apart those that were due (`tcpi_total_retrans`) and those that are under way (`tcpi_retrans`), and one that was kept
  /// back never was. The first repetition is due after 1 s (RFC 6298 2.1): before, nothing can be told. Answers that
  /// are dropped where they arrive leave no trace.
  static func wasHeldBack(_ descriptor: CInt) -> Bool {
    var info = tcp_info()
    var size = socklen_t(MemoryLayout<tcp_info>.size)
    guard getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_INFO, &info, &size) == 0,
      size >= socklen_t(MemoryLayout<tcp_info>.size)
    else { return false }
    return info.tcpi_total_retrans > 0 && info.tcpi_retrans == 0
  }
}
