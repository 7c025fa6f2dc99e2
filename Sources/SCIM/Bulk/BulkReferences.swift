// SPDX-License-Identifier: Apache-2.0

/// The references between the operations of one bulk request: `bulkId:…` in place of an id (RFC 7644 3.7.2).
package struct BulkReferences: Sendable {
  private static let prefix = "bulkId:"
  private var ids: [String: String] = [:]

  package init() {}

  /// Notes that the operation `bulkId` made the resource `id`.
  package mutating func record(_ bulkId: String, id: String) { ids[bulkId] = id }

  /// Puts ids in the place of references, in the data and in the path.
  ///
  /// - Throws: 409 for a reference to an operation that has not succeeded.
  package func resolve(_ operation: BulkOperation) throws(SCIMError) -> BulkOperation {
    var result = operation
    if let data = operation.data { result.data = try resolve(data) }
    if let id = operation.target?.id, id.hasPrefix(Self.prefix), let endpoint = operation.target?.endpoint {
      result.path = "\(endpoint)/\(try resolve(id))"
    }
    return result
  }

  private func resolve(_ text: String) throws(SCIMError) -> String {
    guard text.hasPrefix(Self.prefix) else { return text }
    let bulkId = String(text.dropFirst(Self.prefix.count))
    guard let id = ids[bulkId] else {
      throw .conflict("No operation with the bulkId \(bulkId.prefix(64)) has made a resource.")
    }
    return id
  }

  private func resolve(_ value: JSONValue) throws(SCIMError) -> JSONValue {
    switch value {
    case .string(let text): return .string(try resolve(text))
    case .array(let values): return .array(try values.map { value throws(SCIMError) in try resolve(value) })
    case .object(let object):
      var members: [JSONObject.Member] = []
      for member in object.members {
        members.append(JSONObject.Member(name: member.name, value: try resolve(member.value)))
      }
      return .object(JSONObject(distinct: members))
    default: return value
    }
  }

  /// The order in which to run operations so that each comes after those it refers to; otherwise as they were sent.
  /// Operations in a circle come in their own order, and the first of them fails on its reference.
  package static func executionOrder(_ operations: [BulkOperation]) -> [Int] {
    var makers: [String: Int] = [:]
    for (index, operation) in operations.enumerated() where operation.method == .post {
      if let bulkId = operation.bulkId { makers[bulkId] = index }
    }
    if makers.isEmpty { return Array(operations.indices) }
    let needs = operations.enumerated().map { index, operation in
      references(in: operation).compactMap { makers[$0] }.filter { $0 != index }
    }
    var order: [Int] = []
    var state = [UInt8](repeating: 0, count: operations.count)  // 0 new, 1 entered, 2 placed
    for start in operations.indices where state[start] == 0 {
      // A stack of our own: the chain of references is as long as the client likes.
      var stack: [(index: Int, next: Int)] = [(start, 0)]
      state[start] = 1
      while let top = stack.last {
        if top.next < needs[top.index].count {
          stack[stack.count - 1].next += 1
          let need = needs[top.index][top.next]
          if state[need] == 0 {
            state[need] = 1
            stack.append((need, 0))
          }
        } else {
          state[top.index] = 2
          order.append(top.index)
          stack.removeLast()
        }
      }
    }
    return order
  }

  private static func references(in operation: BulkOperation) -> [String] {
    var found: [String] = []
    func collect(_ value: JSONValue) {
      switch value {
      case .string(let text): if text.hasPrefix(prefix) { found.append(String(text.dropFirst(prefix.count))) }
      case .array(let values): values.forEach(collect)
      case .object(let object): for member in object.members { collect(member.value) }
      default: break
      }
    }
    if let data = operation.data { collect(data) }
    if let id = operation.target?.id { collect(.string(id)) }
    return found
  }
}
