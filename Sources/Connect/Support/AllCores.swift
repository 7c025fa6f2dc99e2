// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Work that needs nothing but a processor, on all of them.
package enum AllCores {
  /// Calls `body` for each item and returns what it gave, in their order: one task for each core, with a share of its own.
  package static func map<Item: Sendable, Result: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (Item) -> Result
  ) async -> [Result] {
    let cores = max(1, ProcessInfo.processInfo.activeProcessorCount)
    let shares = items.chunks(of: max(1, (items.count + cores - 1) / cores))
    return await withTaskGroup(of: (Int, [Result]).self) { group in
      for (index, share) in shares.enumerated() { group.addTask { (index, share.map(body)) } }
      var parts: [(Int, [Result])] = []
      for await part in group { parts.append(part) }
      return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
    }
  }
}
