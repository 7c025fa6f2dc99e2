// SPDX-License-Identifier: Apache-2.0

import Connect
import Foundation
import Glibc

/// Measures one way of reading a lab's directory and prints one line of JSON. One process makes one measurement, so that
/// its peak of memory and its processor time are its own.
@main
enum ImportBenchmark {
  static let usage = """
    usage: ImportBenchmark LAB.JSON MODE [--ldaps] [--connections N] [--passes N] [--count N]
      dirsync    a DirSync read from an empty cookie, to typed changes
      paged      paged reads of disjoint subtrees over N connections (2), a DirSync cookie before and its changes after
      import     the product's own import into an empty database, over N connections
      decode     messages that were read before: bytes to typed changes, N times (5), without network and protection
      hashes     every password hash by replication, decrypted
      derive     N values (10,000) from hashes, on all cores, without a directory
      arguments  prints filter and attributes for ldapsearch, one a line
    """

  static func main() async {
    do {
      try await run(Array(CommandLine.arguments.dropFirst()))
    } catch {
      FileHandle.standardError.write(Data("ImportBenchmark: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run(_ arguments: [String]) async throws {
    func option(_ name: String) throws -> Int? {
      guard let index = arguments.firstIndex(of: name) else { return nil }
      guard index + 1 < arguments.count, let value = Int(arguments[index + 1]), value > 0 else { throw Failure(usage) }
      return value
    }
    guard arguments.count >= 2 else { throw Failure(usage) }
    let usesTLS = arguments.contains("--ldaps")
    let readings = Readings(peer: try LabPeer(path: arguments[0], usesTLS: usesTLS))
    let name = arguments[1] + (usesTLS ? " ldaps" : "")
    let measurement: Measurement
    switch arguments[1] {
    case "dirsync": measurement = try await readings.dirSync(name)
    case "paged": measurement = try await readings.paged(name, connections: try option("--connections") ?? 2)
    case "import":
      measurement = try await readings.importing(
        name, connections: try option("--connections") ?? LDAPSource.defaultConnections)
    case "decode": measurement = try await readings.decode(name, passes: try option("--passes") ?? 5)
    case "hashes": measurement = try await readings.hashes(name)
    case "derive": measurement = try await Readings.derive(name, count: try option("--count") ?? 10_000)
    case "arguments": return try await readings.printArguments()
    default: throw Failure(usage)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    print(String(decoding: try encoder.encode(measurement), as: UTF8.self))
  }
}
