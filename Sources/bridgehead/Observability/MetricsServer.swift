// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import TCP
import Wire

/// Serves `/metrics` on an address that the configuration names; there is no listener without it.
struct MetricsServer: Service {
  let registry: PrometheusRegistry
  let endpoint: Endpoint
  let logger: Logger

  func run() async throws {
    let router = Router()
    router.get("/metrics") { [registry] _, _ in
      Response(
        status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
        body: .init(byteBuffer: ByteBuffer(string: registry.exposition())))
    }
    let application = Application(
      router: router, configuration: .init(address: .hostname(endpoint.host, port: endpoint.port)), logger: logger)
    do {
      try await application.run()
    } catch {
      guard let cause = ListenFailure.cause(error) else { throw error }
      throw CommandError(
        "metrics.bind", "The metrics cannot be served on \(endpoint.host):\(endpoint.port) (\(cause)).",
        remedy: "choose an address of this machine and a free port for metrics.listen; 'ss -ltnp' shows who has it.")
    }
  }
}
