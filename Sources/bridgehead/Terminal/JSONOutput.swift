// SPDX-License-Identifier: Apache-2.0

import Wire

/// Writes a result to standard output as JSON.
func printJSON(_ value: some Encodable) throws { print(try jsonText(value)) }

/// A result as JSON with sorted keys, dates in ISO 8601.
func jsonText(_ value: some Encodable) throws -> String {
  try StableJSON.text(value, isPretty: true)
}
