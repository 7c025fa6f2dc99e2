// SPDX-License-Identifier: Apache-2.0

import Store

/// Which partitions of the connector space the configuration names. What was read of others is kept, in case they come
/// back, and is out of scope.
struct ImportedDomains {
  private struct Partition {
    var id: Int64
    var isNamed: Bool
  }

  private let partitions: [Partition]

  init(_ configuration: ConnectConfiguration, in transaction: any Transaction) throws {
    let named = Dictionary(
      configuration.forests.map { ($0.name, Set($0.domains.map { $0.lowercased() })) }
    ) { $0.union($1) }
    partitions = try transaction.query("SELECT id, source, partition FROM watermark", []) { row in
      let (source, domain): (String, String) = (try row[1], try row[2])
      return Partition(id: try row[0], isNamed: named[source]?.contains(domain.lowercased()) ?? false)
    }
  }

  /// - Parameter partition: the `watermark` row; what only the Global Catalog told of is in none.
  func areRead(_ partition: Int64) -> Bool {
    partition == OutsideObjects.partition || partitions.contains { $0.id == partition && $0.isNamed }
  }

  /// Forgets how far the others were read, so that one that comes back is read in full: nobody was told what happened there
  /// meanwhile.
  func forgetOthers(in transaction: any Transaction) throws {
    for partition in partitions where !partition.isNamed {
      try transaction.run(
        """
        UPDATE watermark SET cookie = NULL, dc = NULL, invocation = NULL, usn = NULL, mode = NULL, read_at = NULL,
          hidden = NULL, unswept = 0 WHERE id = ? AND cookie IS NOT NULL
        """, [.integer(partition.id)])
    }
  }
}
