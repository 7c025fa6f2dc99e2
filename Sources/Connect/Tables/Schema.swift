// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of Connect's database, each in the file of its area.
package enum ConnectSchema {
  package static let migrations = [
    importTables, metaverseTables, targetTables, guardTables, passwordTables, serviceTables, writebackTables,
    seamlessSSOTables,
  ]
}
