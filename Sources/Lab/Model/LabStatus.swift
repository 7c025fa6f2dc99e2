// SPDX-License-Identifier: Apache-2.0

/// What runs of a lab.
package struct LabStatus: Codable, Sendable {
  package struct Server: Codable, Sendable {
    package var name: String
    package var running: Bool
    package var pid: Int32?
  }

  package var directory: String
  package var servers: [Server]
  package var running: Bool { !servers.isEmpty && servers.allSatisfy(\.running) }
}

/// Where `up` stands.
package struct LabProgress: Sendable {
  /// In words, for example `load corp.example`.
  package var phase: String
  package var done: Int
  package var total: Int
}
