// SPDX-License-Identifier: Apache-2.0

import CARES
import Glibc
import Wire

/// What a caller wants to know from the DNS.
struct LookupRequest: Sendable {
  enum Question: Sendable {
    case records(DNSRecordType)
    /// The entries of /etc/hosts.
    case hostsFile
  }

  let name: String
  let question: Question
  let configuration: DNSResolver.Configuration
  let cancellation: CancellationFlag
  let continuation: CheckedContinuation<LookupOutcome, any Error>
}

/// How a lookup ended.
struct LookupOutcome: Sendable {
  /// An `ARES_…` status.
  var status: CInt
  /// The DNS message, empty unless a server gave an answer.
  var message: [UInt8] = []
  /// Addresses from the hosts file.
  var addresses: [String] = []
  /// The socket that delivered ``message``.
  var source: DNSSource?
  /// The servers that were to be asked, in order.
  var servers: [Endpoint] = []
  /// An answer over UDP was truncated, so TCP was tried (RFC 7766 5).
  var fellBackToTCP = false
}

/// One lookup on a c-ares channel of its own: a fresh source port and identifier for each question, a cancellation that
/// touches no other lookup, and certainty about which socket delivered the answer. Used by one thread only.
final class Lookup {
  /// RFC 6891 6.2.5 and the DNS flag day of 2020: the largest answer that passes everywhere without fragments.
  private static let largestDatagram: CInt = 1232
  /// `ares_getsock` tells about 16 sockets, two a server.
  static let maximumServers = Int(ARES_GETSOCK_MAXNUM) / 2
  private static let classInternet: CInt = 1

  let request: LookupRequest
  private var channel: ares_channel?
  private var outcome: LookupOutcome?
  private var servers: [Endpoint] = []
  private var readingFrom: DNSSource?
  private var openedTCP = false

  init(_ request: LookupRequest) {
    self.request = request
    let status = open()
    switch request.question {
    case _ where status != ARES_SUCCESS: complete(status, nil, 0)
    case _ where request.cancellation.isRequested: complete(ARES_ECANCELLED, nil, 0)
    case .hostsFile: readHostsFile()
    case .records(let type): ask(type)
    }
  }

  deinit {
    if let channel { ares_destroy(channel) }
  }

  private func open() -> CInt {
    let configuration = request.configuration
    var options = ares_options()
    // NOCHECKRESP: c-ares 1.18 would report a server that answers SERVFAIL or REFUSED as one that does not listen.
    options.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP
    if configuration.usesOnlyTCP { options.flags |= ARES_FLAG_USEVC }
    options.timeout = CInt(clamping: configuration.attemptTimeout.milliseconds)
    options.tries = CInt(clamping: configuration.attempts)
    options.ednspsz = Self.largestDatagram
    let mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_RESOLVCONF
    let status = configuration.systemConfiguration.withCString { path in
      // c-ares copies the path; it declares the member without const.
      options.resolvconf_path = UnsafeMutablePointer(mutating: path)
      return ares_init_options(&channel, &options, mask)
    }
    guard status == ARES_SUCCESS, let channel else { return status }
    if !configuration.servers.isEmpty {
      let list = configuration.servers.prefix(Self.maximumServers).map(\.description).joined(separator: ",")
      let status = ares_set_servers_ports_csv(channel, list)
      guard status == ARES_SUCCESS else { return status }
    }
    servers = Self.servers(of: channel)
    let callback: ares_sock_config_callback = { _, type, data in
      if type == CInt(SOCK_STREAM.rawValue), let data { Lookup.from(data).openedTCP = true }
      return 0
    }
    ares_set_socket_configure_callback(channel, callback, Unmanaged.passUnretained(self).toOpaque())
    return ARES_SUCCESS
  }

  private func ask(_ type: DNSRecordType) {
    guard let channel else { return }
    ares_query(
      channel, request.name, Self.classInternet, CInt(type.rawValue),
      { data, status, _, message, length in
        if let data { Lookup.from(data).complete(status, message, length) }
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private func readHostsFile() {
    guard let channel else { return }
    var addresses: [String] = []
    for family in [AF_INET, AF_INET6] {
      var entry: UnsafeMutablePointer<hostent>?
      guard ares_gethostbyname_file(channel, request.name, family, &entry) == ARES_SUCCESS, let entry else { continue }
      defer { ares_free_hostent(entry) }
      var cursor = entry.pointee.h_addr_list
      while let item = cursor?.pointee {
        if let text = NumericAddress.text(item, family: family) { addresses.append(text) }
        cursor = cursor?.advanced(by: 1)
      }
    }
    outcome = LookupOutcome(
      status: addresses.isEmpty ? ARES_ENOTFOUND : ARES_SUCCESS, addresses: addresses)
  }

  private func complete(_ status: CInt, _ message: UnsafePointer<UInt8>?, _ length: CInt) {
    guard outcome == nil else { return }
    outcome = LookupOutcome(
      status: status, message: Array(UnsafeBufferPointer(start: message, count: message == nil ? 0 : Int(length))),
      source: readingFrom, servers: servers, fellBackToTCP: openedTCP && !request.configuration.usesOnlyTCP)
  }

  /// The sockets to wait for, as `poll` wants them.
  func interests() -> [pollfd] {
    guard let channel, outcome == nil else { return [] }
    var sockets = [ares_socket_t](repeating: -1, count: Int(ARES_GETSOCK_MAXNUM))
    let bits = UInt32(bitPattern: ares_getsock(channel, &sockets, CInt(sockets.count)))
    return sockets.enumerated().compactMap { index, socket in
      let readable = bits & (1 << UInt32(index)) != 0
      let writable = bits & (1 << UInt32(index + Int(ARES_GETSOCK_MAXNUM))) != 0
      guard readable || writable else { return nil }
      return pollfd(fd: socket, events: (readable ? Int16(POLLIN) : 0) | (writable ? Int16(POLLOUT) : 0), revents: 0)
    }
  }

  /// Milliseconds until c-ares wants to be called without an event; nil when it waits for nothing.
  func timeout() -> CInt? {
    guard let channel, outcome == nil else { return nil }
    var time = timeval()
    guard ares_timeout(channel, nil, &time) != nil else { return nil }
    // Rounded up, so that the thread does not spin through the last millisecond.
    return CInt(clamping: Int(time.tv_sec) * 1000 + (Int(time.tv_usec) + 999) / 1000)
  }

  func process(_ event: pollfd) {
    guard let channel, outcome == nil, event.revents != 0 else { return }
    let failed = Int32(event.revents) & (POLLERR | POLLHUP | POLLNVAL) != 0
    let readable = failed || Int32(event.revents) & POLLIN != 0
    let writable = failed || Int32(event.revents) & POLLOUT != 0
    readingFrom = readable ? Self.source(of: event.fd) : nil
    defer { readingFrom = nil }
    ares_process_fd(channel, readable ? event.fd : -1, writable ? event.fd : -1)
  }

  func processTimeouts() {
    guard let channel, outcome == nil else { return }
    ares_process_fd(channel, -1, -1)
  }

  func cancelIfRequested() {
    guard let channel, outcome == nil, request.cancellation.isRequested else { return }
    ares_cancel(channel)
  }

  /// Hands the outcome to the caller, once there is one.
  /// - Returns: true when the lookup is over.
  func finish() -> Bool {
    guard let outcome else { return false }
    if outcome.status == ARES_ECANCELLED {
      request.continuation.resume(throwing: CancellationError())
    } else {
      request.continuation.resume(returning: outcome)
    }
    return true
  }

  private static func from(_ data: UnsafeMutableRawPointer) -> Lookup {
    Unmanaged<Lookup>.fromOpaque(data).takeUnretainedValue()
  }

  /// c-ares connects its sockets, those for UDP too: the kernel knows the peer and drops datagrams of others.
  private static func source(of socket: CInt) -> DNSSource? {
    var type: CInt = 0
    var typeSize = socklen_t(MemoryLayout<CInt>.size)
    guard getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &typeSize) == 0 else { return nil }
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let server = withUnsafeMutableBytes(of: &storage) { bytes -> Endpoint? in
      guard let base = bytes.baseAddress else { return nil }
      guard getpeername(socket, base.assumingMemoryBound(to: sockaddr.self), &size) == 0 else { return nil }
      return NumericAddress.endpoint(UnsafeRawBufferPointer(bytes))
    }
    return server.map { DNSSource(transport: type == CInt(SOCK_STREAM.rawValue) ? .tcp : .udp, server: $0) }
  }

  private static func servers(of channel: ares_channel) -> [Endpoint] {
    var first: UnsafeMutablePointer<ares_addr_port_node>?
    guard ares_get_servers_ports(channel, &first) == ARES_SUCCESS, let first else { return [] }
    defer { ares_free_data(first) }
    var result: [Endpoint] = []
    var next: UnsafeMutablePointer<ares_addr_port_node>? = first
    while let node = next {
      let text = withUnsafeBytes(of: node.pointee.addr) { bytes in
        bytes.baseAddress.flatMap { NumericAddress.text($0, family: node.pointee.family) }
      }
      if let text {
        result.append(Endpoint(host: text, port: node.pointee.udp_port == 0 ? 53 : Int(node.pointee.udp_port)))
      }
      next = node.pointee.next
    }
    return result
  }
}
