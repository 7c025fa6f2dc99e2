// SPDX-License-Identifier: Apache-2.0

/// One row of Microsoft's reference "Hybrid Identity Required Ports and Protocols".
package struct ReferenceRow: Sendable, Codable {
  package let id: RowID
  /// The table of the reference, 1 to 5.
  package let table: Int
  package let source: Role
  package let destination: Role
  /// The protocol as the reference prints it.
  package let name: String
  /// The transports as the reference prints them; where it prints none, what the protocol uses, with an annotation.
  package let transports: [Transport]
  package let ports: Ports
  /// What the flow is for.
  package let purpose: String
  /// The features that need the flow; a deployment with none of them leaves the port closed.
  package let features: [Feature]

  /// What the reference leaves open or contradicts about this row.
  package var annotations: [Annotation] { Annotation.all.filter { $0.rows.contains(id) } }

  package static func row(_ id: RowID) -> ReferenceRow? { all.first { $0.id == id } }
}
