// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Readiness
import Yams

/// The topologies of the goldens, and the folder of the goldens themselves.
enum Goldens {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
  static let names = ["small", "sites", "stateless-ipv6", "pinned-certauth"]

  static func topology(_ name: String) throws -> Topology {
    let file = folder.appending(path: "Topologies/\(name).yaml")
    return try YAMLDecoder().decode(Topology.self, from: Data(contentsOf: file))
  }

  /// The stored text, after it was written anew where `BRIDGEHEAD_WRITE_GOLDENS` is set.
  ///
  /// - Returns: nil when there is none.
  static func stored(_ path: String, writing text: String) throws -> String? {
    let file = folder.appending(path: "Golden/\(path)")
    if ProcessInfo.processInfo.environment["BRIDGEHEAD_WRITE_GOLDENS"] != nil {
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    return (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) }
  }
}
