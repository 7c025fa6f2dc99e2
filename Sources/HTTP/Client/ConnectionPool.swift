// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The connections of a client, bounded for each origin; requests beyond the bound wait in order.
actor ConnectionPool {
  struct Origin: Hashable, Sendable {
    var scheme: HTTPURL.Scheme
    var host: String
    var port: Int
    init(_ url: HTTPURL) { (scheme, host, port) = (url.scheme, url.host, url.port) }
  }

  struct Lease: Sendable {
    let connection: HTTPConnection
    let origin: Origin
    /// Whether the connection has carried a request before.
    let isReused: Bool
  }

  private struct Waiter {
    var id: UInt64
    var continuation: CheckedContinuation<Turn, Never>
  }
  /// What a waiting request gets.
  private enum Turn: Sendable {
    case connection(HTTPConnection)
    case room, expired
  }

  private struct State {
    /// Least recently used first.
    var idle: [HTTPConnection] = []
    var leased: [ObjectIdentifier: HTTPConnection] = [:]
    /// Connections that are being opened.
    var opening = 0
    var waiters: [Waiter] = []
    var count: Int { idle.count + leased.count + opening }
  }

  private let connector: HTTPConnector
  private let limit: Int
  private var origins: [Origin: State] = [:]
  private var nextWaiter: UInt64 = 0
  private var isShutDown = false

  init(connector: HTTPConnector, limit: Int) {
    self.connector = connector
    self.limit = max(1, limit)
  }

  func lease(for url: HTTPURL, deadline: NIODeadline) async throws(HTTPError) -> Lease {
    let origin = Origin(url)
    guard !isShutDown else { throw Self.shutDown }
    guard !Task.isCancelled else { throw Self.cancelled(url) }
    origins[origin, default: State()].idle.removeAll { !$0.isOpen }
    if let connection = origins[origin]?.idle.popLast() {
      origins[origin]?.leased[connection.id] = connection
      return Lease(connection: connection, origin: origin, isReused: true)
    }
    if origins[origin, default: State()].count >= limit {
      switch await turn(origin, deadline) {
      case .connection(let connection): return Lease(connection: connection, origin: origin, isReused: true)
      case .room: break  // `opening` was counted by whoever made room.
      case .expired:
        if isShutDown { throw Self.shutDown }
        throw Task.isCancelled
          ? Self.cancelled(url)
          : HTTPError(.timedOut, "All \(limit) connections to \(url.endpoint) stayed busy until the deadline.")
      }
    } else {
      origins[origin]?.opening += 1
    }
    do throws(HTTPError) {
      let connection = try await connector.open(url, deadline: deadline)
      guard !isShutDown else {
        connection.close()
        throw Self.shutDown
      }
      origins[origin]?.opening -= 1
      origins[origin]?.leased[connection.id] = connection
      return Lease(connection: connection, origin: origin, isReused: false)
    } catch {
      origins[origin]?.opening -= 1
      makeRoom(origin)
      throw error
    }
  }

  func release(_ lease: Lease, reusable: Bool) {
    guard origins[lease.origin]?.leased.removeValue(forKey: lease.connection.id) != nil else { return }
    guard reusable, lease.connection.isOpen, !isShutDown else {
      lease.connection.close()
      return makeRoom(lease.origin)
    }
    if let waiter = takeWaiter(lease.origin) {
      origins[lease.origin]?.leased[lease.connection.id] = lease.connection
      waiter.continuation.resume(returning: .connection(lease.connection))
    } else {
      origins[lease.origin]?.idle.append(lease.connection)
      forgetOldOrigins(but: lease.origin)
    }
  }

  func shutdown() {
    isShutDown = true
    for state in origins.values {
      for connection in state.idle + state.leased.values { connection.close() }
      for waiter in state.waiters { waiter.continuation.resume(returning: .expired) }
    }
    for origin in origins.keys {
      origins[origin]?.idle = []
      origins[origin]?.waiters = []
    }
  }

  // MARK: Waiting

  private func turn(_ origin: Origin, _ deadline: NIODeadline) async -> Turn {
    nextWaiter += 1
    let id = nextWaiter
    let timer = connector.group.any().scheduleTask(deadline: deadline) { [weak self] in
      _ = Task { await self?.expire(id, origin) }
    }
    defer { timer.cancel() }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if Task.isCancelled || isShutDown { return continuation.resume(returning: .expired) }
        origins[origin, default: State()].waiters.append(Waiter(id: id, continuation: continuation))
      }
    } onCancel: {
      Task { await self.expire(id, origin) }
    }
  }

  private func expire(_ id: UInt64, _ origin: Origin) {
    guard let index = origins[origin]?.waiters.firstIndex(where: { $0.id == id }) else { return }
    origins[origin]?.waiters.remove(at: index).continuation.resume(returning: .expired)
  }

  private func takeWaiter(_ origin: Origin) -> Waiter? {
    guard origins[origin]?.waiters.isEmpty == false else { return nil }
    return origins[origin]?.waiters.removeFirst()
  }

  private func makeRoom(_ origin: Origin) {
    if let waiter = takeWaiter(origin) {
      origins[origin]?.opening += 1
      waiter.continuation.resume(returning: .room)
    } else if origins[origin]?.count == 0 {
      origins[origin] = nil
    }
  }

  private func forgetOldOrigins(but current: Origin) {
    guard origins.count > HTTPClientConfiguration.maximumOrigins else { return }
    for (origin, state) in origins where origin != current && state.count == state.idle.count && state.waiters.isEmpty {
      for connection in state.idle { connection.close() }
      origins[origin] = nil
    }
  }

  private static let shutDown = HTTPError(.shutDown, "The HTTP client was shut down.")
  private static func cancelled(_ url: HTTPURL) -> HTTPError {
    HTTPError(.cancelled, "The request to \(url.endpoint) was cancelled.")
  }
}
