// SPDX-License-Identifier: Apache-2.0

extension Sequence<ServiceRecord> {
  /// RFC 2782 'Usage rules': ascending priority; within a priority a random order in which a record's chance to come
  /// next is its share of the weights that are left. Records of weight 0 have a very small chance while others remain.
  package func ordered(using generator: inout any RandomNumberGenerator & Sendable) -> [ServiceRecord] {
    var result: [ServiceRecord] = []
    for (_, group) in Dictionary(grouping: self, by: \.priority).sorted(by: { $0.key < $1.key }) {
      // Weight 0 first, as the RFC asks; the rest in a fixed order, so that a seed decides the outcome.
      var remaining = group.sorted { ($0.weight, $0.target, $0.port) < ($1.weight, $1.target, $1.port) }
      while !remaining.isEmpty {
        let total = remaining.reduce(0) { $0 + Int($1.weight) }
        let pick = Int.random(in: 0...total, using: &generator)
        var sum = 0
        let index = remaining.firstIndex { record in
          sum += Int(record.weight)
          return sum >= pick
        }
        result.append(remaining.remove(at: index ?? 0))
      }
    }
    return result
  }
}
