// SPDX-License-Identifier: Apache-2.0

import Store

extension ConnectSchema {
  /// Whether a type has an object left is found without a walk through those of other types.
  static let matching = Migration(
    name: "connect-24-matching",
    statements: [
      "CREATE INDEX mv_group ON mv (id) WHERE kind = 'group'",
    ])
}
