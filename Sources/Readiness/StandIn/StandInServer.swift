// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import NIOPosix
package import PortReference
import Wire

/// Answers the ports of servers that are not there yet. It holds every port or none, writes no file, and forgets
/// everything when it ends.
package struct StandInServer: Sendable {
  /// Connections at one port; further ones are closed at once.
  package static let maximumConnections = 64
  /// How long a connection may take for its conversation.
  package static let patience = TimeAmount.seconds(10)
  /// Listening sockets with all addresses; the usual limit of descriptors is 1,024.
  package static let maximumSockets = 512

  package static let secretBytes = 32

  /// Every address of this machine, of both families.
  package static let allAddresses = ["0.0.0.0", "::"]

  private let channels: [any Channel]
  /// What happens at the ports, until ``stop()``.
  package let events: AsyncStream<StandInEvent>
  private let continuation: AsyncStream<StandInEvent>.Continuation

  /// Takes every port at every address.
  ///
  /// - Parameters:
  ///   - addresses: numeric.
  ///   - product: the product's version, for the greeting.
  ///   - secret: ``secretBytes`` random bytes.
  /// - Throws: ``StandInError`` with code `portInUse`, naming all ports that are in use, or `cannotListen`; then no port
  ///   is held.
  package static func start(
    _ ports: [StandInPort], role: Role, addresses: [String], code: StandInCode, product: String, secret: [UInt8],
    group: any EventLoopGroup
  ) async throws -> StandInServer {
    guard ports.count * addresses.count <= maximumSockets else {
      throw StandInError(
        .cannotListen, "\(ports.count) ports at \(addresses.count) addresses are more than \(maximumSockets) sockets.",
        remedy: "choose fewer rows with --rows or fewer addresses")
    }
    let responder = StandInResponder(code: code, role: role, product: product, secret: secret)
    let (events, continuation) = AsyncStream.makeStream(of: StandInEvent.self, bufferingPolicy: .bufferingNewest(1_024))
    var channels: [any Channel] = []
    var taken: [String] = []
    do {
      for port in ports {
        for address in addresses {
          do {
            let socket = try SocketAddress(ipAddress: address, port: Int(port.port))
            channels.append(
              port.transport == .tcp
                ? try await stream(port, socket, responder, continuation, group)
                : try await datagram(port, socket, responder, continuation, group))
          } catch let error as IOError where address == "::" && Self.isFamilyMissing(error) {
            // A machine without IPv6 has no IPv6 port to answer.
            continue
          } catch let error as IOError where error.errnoCode == EADDRINUSE {
            taken.append("\(Endpoint(host: address, port: Int(port.port)))/\(port.transport.rawValue)")
          } catch let error as IOError {
            throw refusal(error, address, port)
          }
        }
      }
      guard taken.isEmpty else {
        throw StandInError(
          .portInUse, "In use already: \(taken.joined(separator: ", ")).",
          remedy:
            "stop what listens there (ss -lntup shows it), choose other rows with --rows, or check the server itself")
      }
    } catch {
      for channel in channels { try? await channel.close() }
      throw error
    }
    return StandInServer(channels: channels, events: events, continuation: continuation)
  }

  /// Gives every port back.
  package func stop() async {
    for channel in channels { try? await channel.close() }
    continuation.finish()
  }

  private static func isFamilyMissing(_ error: IOError) -> Bool {
    [EAFNOSUPPORT, EADDRNOTAVAIL, EPROTONOSUPPORT].contains(error.errnoCode)
  }

  private static func refusal(_ error: IOError, _ address: String, _ port: StandInPort) -> StandInError {
    switch error.errnoCode {
    case EACCES, EPERM:
      StandInError(
        .cannotListen, "Port \(port.port) is reserved for privileged processes.",
        remedy: "run as root, or grant the binary CAP_NET_BIND_SERVICE")
    case EADDRNOTAVAIL:
      StandInError(
        .cannotListen, "This machine does not have the address \(address).", remedy: "choose one of its addresses")
    default:
      StandInError(
        .cannotListen, "Port \(port.port) at \(address) cannot be listened on: \(error).",
        remedy: "choose other rows or addresses")
    }
  }

  private static func stream(
    _ port: StandInPort, _ address: SocketAddress, _ responder: StandInResponder,
    _ events: AsyncStream<StandInEvent>.Continuation, _ group: any EventLoopGroup
  ) async throws -> any Channel {
    let admission = Admission(limit: maximumConnections)
    let bootstrap = ServerBootstrap(group: group)
      // Only past connections' remains: a listening socket still refuses the port.
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        guard admission.enter() else { return channel.close() }
        channel.closeFuture.whenComplete { _ in admission.leave() }
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            StandInStreamHandler(port: port, responder: responder, events: events))
        }
      }
    return try await
      (address.protocol == .inet6
      ? bootstrap.serverChannelOption(ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 1)
      : bootstrap).bind(to: address).get()
  }

  private static func datagram(
    _ port: StandInPort, _ address: SocketAddress, _ responder: StandInResponder,
    _ events: AsyncStream<StandInEvent>.Continuation, _ group: any EventLoopGroup
  ) async throws -> any Channel {
    // No SO_REUSEADDR: with it a second process would share the port.
    let bootstrap = DatagramBootstrap(group: group)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            StandInDatagramHandler(port: port, responder: responder, events: events))
        }
      }
    return try await
      (address.protocol == .inet6
      ? bootstrap.channelOption(ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 1)
      : bootstrap).bind(to: address).get()
  }
}
