// SPDX-License-Identifier: Apache-2.0

package import PortReference
import Wire

/// Which ports a stand-in for a role answers.
package enum StandInPlan {
  /// Of a range of ports this many are answered: the first, the last, and others evenly between them. A check samples a
  /// range at the same ports.
  package static let rangeSamples = 16

  /// The ports of a role as a destination, each once, with the rows that share it.
  ///
  /// - Parameters:
  ///   - rows: nil for all rows of the role.
  ///   - policy: of a topology that pins the ports of RPC, or asks for certificates on 443.
  /// - Throws: ``StandInError`` with code `nothingToListenTo`.
  package static func ports(
    for role: Role, rows: Set<RowID>? = nil, policy: Policy? = nil
  ) throws(StandInError) -> [StandInPort] {
    let destined = ReferenceRow.all.filter { $0.destination == role }
    if let rows, let stray = rows.first(where: { id in !destined.contains { $0.id == id } }) {
      throw StandInError(
        .nothingToListenTo, "The row \(stray) does not lead to \(role.title).",
        remedy: destined.isEmpty
          ? "nothing leads there" : "choose among \(destined.map(\.id.rawValue).joined(separator: ", "))")
    }
    var ports: [StandInPort] = []
    for row in destined where rows?.contains(row.id) ?? true {
      for transport in Planner.transports(row) {
        for port in numbers(row, policy) {
          if let index = ports.firstIndex(where: { $0.port == port && $0.transport == transport }) {
            ports[index].rows.append(row.id)
          } else {
            ports.append(StandInPort(port: port, transport: transport, rows: [row.id]))
          }
        }
      }
    }
    guard !ports.isEmpty else {
      throw StandInError(
        .nothingToListenTo, "No row of the reference leads to \(role.title).",
        remedy: "choose one of \(Set(ReferenceRow.all.map(\.destination.rawValue)).sorted().joined(separator: ", "))")
    }
    return ports.sorted()
  }

  private static func numbers(_ row: ReferenceRow, _ policy: Policy?) -> [UInt16] {
    switch row.id {
    case .connectADRPCDynamic: (policy?.rpcPorts?.map(\.ports) ?? [row.ports]).flatMap(samples)
    case .usersProxyCertificateAuthentication where policy?.certificateAuthentication == .name: [443]
    default: samples(of: row.ports)
    }
  }

  /// The ports of a range at which it is answered and sampled.
  package static func samples(of ports: Ports) -> [UInt16] {
    let width = Int(ports.last) - Int(ports.first)
    guard width >= rangeSamples else { return (Int(ports.first)...Int(ports.last)).map { UInt16($0) } }
    return (0..<rangeSamples).map { UInt16(Int(ports.first) + width * $0 / (rangeSamples - 1)) }
  }
}
