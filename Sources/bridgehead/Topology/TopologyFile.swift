// SPDX-License-Identifier: Apache-2.0

import Readiness
import Yams

/// A topology that has been read, with the places of its properties.
struct TopologyFile {
  let path: String
  let topology: Topology
  private let root: Node

  /// - Throws: ``ConfigurationError`` with every fault's line.
  static func load(_ path: String) throws(ConfigurationError) -> TopologyFile {
    let hint = "start from 'bridgehead ports topology init --example'"
    let root = try ConfigurationLoader.document(path, .topology, hint: hint)
    let topology: Topology
    do {
      topology = try YAMLDecoder().decode(Topology.self, from: root)
    } catch {
      throw ConfigurationError(path, "cannot be read: \(error)", hint)
    }
    let file = TopologyFile(path: path, topology: topology, root: root)
    let issues = topology.problems.map { problem in
      let mark = file.node(problem.path)?.mark
      return ConfigurationIssue(
        line: mark?.line ?? 1, column: mark?.column ?? 1, path: problem.path,
        message: "\(problem.path) \(problem.message)", remedy: problem.remedy)
    }
    guard issues.isEmpty else { throw ConfigurationError(file: path, issues: issues, remedy: hint) }
    return file
  }

  /// The line of a property such as `forests[0].domains[1].name`, or of what is nearest above it.
  func line(_ path: String) -> Int? { node(path)?.mark?.line }

  private func node(_ path: String) -> Node? {
    var node = root
    for part in path.split(separator: ".") {
      let pieces = part.split(separator: "[").map { $0.hasSuffix("]") ? $0.dropLast() : $0 }
      for (index, piece) in pieces.enumerated() {
        let next =
          index == 0
          ? node.mapping?[Node(String(piece))]
          : Int(piece).flatMap { number in
            node.sequence.flatMap { $0.indices.contains(number) ? $0[number] : nil }
          }
        guard let next else { return node }
        node = next
      }
    }
    return node
  }
}
