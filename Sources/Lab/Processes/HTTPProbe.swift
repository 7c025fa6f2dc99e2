// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix

/// One GET, to see whether a server of the lab answers.
enum HTTPProbe {
  static func answers(_ address: String, _ port: Int, _ path: String) async throws -> Bool {
    do {
      let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connectTimeout(.seconds(2))
        .connect(host: address, port: port) { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHTTPClientHandlers()
            return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
              wrappingChannelSynchronously: channel)
          }
        }
      return try await channel.executeThenClose { inbound, outbound in
        let headers: HTTPHeaders = ["host": address, "connection": "close"]
        try await outbound.write(.head(HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)))
        try await outbound.write(.end(nil))
        for try await part in inbound {
          if case .head(let head) = part { return head.status == .ok }
        }
        return false
      }
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      return false
    }
  }
}
