// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Writes a result to standard output as JSON.
func printJSON(_ value: some Encodable) throws { print(try jsonText(value)) }

/// A result as JSON with sorted keys, dates in ISO 8601.
func jsonText(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  encoder.dateEncodingStrategy = .iso8601
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
