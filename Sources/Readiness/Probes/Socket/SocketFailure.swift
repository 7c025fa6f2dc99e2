// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why a socket did not do what was wanted.
package enum SocketFailure: Error, Sendable, Hashable, CustomStringConvertible {
  case timedOut
  /// Nothing came, and what is on this machine let no SYN out (``UnansweredHandshake``).
  case heldBack
  case cancelled
  case icmp(ICMPError)
  /// The system's error number.
  case system(CInt)
  case notNumeric(String)

  package var description: String {
    switch self {
    case .timedOut: "no answer"
    case .heldBack: "no answer; the repeated SYNs did not leave this machine"
    case .cancelled: "cancelled"
    case .icmp(let error): error.description
    case .system(ECONNREFUSED): "reset"
    case .system(let number): String(cString: strerror(number)).lowercased()
    case .notNumeric(let text): "'\(text)' is no numeric address"
    }
  }

  /// The observation for a failure before anything was exchanged.
  ///
  /// - Parameters:
  ///   - isStream: whether it was a TCP handshake rather than a datagram.
  ///   - seconds: how long it was waited.
  package func observation(isStream: Bool, seconds: Double) -> Observation {
    switch self {
    case .timedOut, .cancelled: isStream ? .synTimeout(seconds: seconds) : .datagramTimeout(seconds: seconds)
    case .icmp(let error):
      .icmp(type: error.type, code: error.code, ipv6: error.isIPv6, from: error.sender, isLocal: error.isLocal)
    case .system(ECONNREFUSED), .system(ECONNRESET): .reset
    case .system(ETIMEDOUT): .synTimeout(seconds: seconds)
    // Without a message by ICMP it is the routing table that says so.
    case .system(ENETUNREACH), .system(EHOSTUNREACH), .system(EADDRNOTAVAIL): .noRoute
    case .heldBack, .system(EPERM), .system(EACCES): .localFirewall
    case .system, .notNumeric: .systemError(description)
    }
  }
}

/// An ICMP error that the system keeps for a socket (RFC 792 for IPv4, RFC 4443 for IPv6).
package struct ICMPError: Sendable, Hashable, CustomStringConvertible {
  package var type: Int
  package var code: Int
  package var isIPv6: Bool
  /// The numeric address of whoever sent it.
  package var sender: String
  /// This machine sent it itself: nobody on the link answered for the address.
  package var isLocal: Bool

  package var description: String {
    "ICMP\(isIPv6 ? "v6" : "") \(type)/\(code) (\(meaning)) from \(isLocal ? "this machine" : sender)"
  }

  /// RFC 792 'Destination Unreachable', RFC 1122 3.2.2.1, RFC 1812 5.2.7.1; RFC 4443 3.1.
  package var meaning: String {
    if isIPv6 {
      guard type == 1 else { return "type \(type)" }
      let codes = [
        "no route", "prohibited by policy", "beyond scope", "address unreachable", "port unreachable",
        "source address refused by policy", "route rejected",
      ]
      return codes.indices.contains(code) ? codes[code] : "unreachable"
    }
    guard type == 3 else { return "type \(type)" }
    let codes = [
      "network unreachable", "host unreachable", "protocol unreachable", "port unreachable", "fragmentation needed",
      "source route failed", "network unknown", "host unknown", "source isolated", "network prohibited",
      "host prohibited", "network unreachable for this service", "host unreachable for this service",
      "prohibited by policy", "host precedence violation", "precedence cutoff",
    ]
    return codes.indices.contains(code) ? codes[code] : "unreachable"
  }

  /// The path's MTU is smaller: the system remembers and the next copy is cut accordingly.
  var isSizeOnly: Bool { isIPv6 ? type == 2 : type == 3 && code == 4 }
}
