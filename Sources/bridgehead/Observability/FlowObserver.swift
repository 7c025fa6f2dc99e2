// SPDX-License-Identifier: Apache-2.0

import Connect
import Logging
import Metrics
import Wire

/// Tells every used flow to the log, the metrics and the ledger behind `connect status`.
struct FlowObserver: FlowRecorder {
  let ledger: FlowLedger
  let logger = Logger(label: "bridgehead.flow")

  func record(_ use: FlowUse) {
    ledger.record(use)
    Counter(
      label: "bridgehead_flows_established_total",
      dimensions: [("row", use.row), ("transport", use.transport.rawValue)]
    ).increment()
    logger.info(
      "flow established",
      metadata: [
        "row": "\(use.row)", "transport": "\(use.transport.rawValue)", "host": "\(use.host)",
        "address": "\(use.address)", "port": "\(use.port)", "protection": "\(use.protection)",
      ])
  }
}
