// SPDX-License-Identifier: Apache-2.0

import Store

/// What readings of directories leave for the next ones.
extension ConnectSchema {
  /// Who is on the way to another domain is not asked for at every look.
  static let arrivals = Migration(
    name: "connect-17-arrivals", statements: ["ALTER TABLE departure ADD COLUMN waits_until REAL"])

  /// What the account may not see of a partition is told until a full reading shows everything.
  static let hiddenValues = Migration(
    name: "connect-18-hidden", statements: ["ALTER TABLE watermark ADD COLUMN hidden TEXT"])
}
