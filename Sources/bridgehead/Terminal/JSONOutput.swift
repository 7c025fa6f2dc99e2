// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Writes a result to standard output as JSON with sorted keys, dates in ISO 8601.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  encoder.dateEncodingStrategy = .iso8601
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
