// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials

/// JSON whose text depends on the value alone: names in order, slashes as they are, dates in ISO 8601. What is signed,
/// authenticated, compared or kept is written in it.
package enum StableJSON {
  /// - Throws: `EncodingError`.
  package static func encode(_ value: some Encodable, isPretty: Bool = false) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
    encoder.dateEncodingStrategy = .iso8601
    return try encoder.encode(value)
  }

  /// - Throws: `EncodingError`.
  package static func text(_ value: some Encodable, isPretty: Bool = false) throws -> String {
    String(decoding: try encode(value, isPretty: isPretty), as: UTF8.self)
  }

  /// - Throws: `DecodingError`.
  package static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return try decoder.decode(type, from: data)
  }
}
