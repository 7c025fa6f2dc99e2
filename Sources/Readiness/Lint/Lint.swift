// SPDX-License-Identifier: Apache-2.0

import PortReference

/// What a reader of the rules should know or correct, the most severe first.
package struct Lint {
  let topology: Topology
  let plan: Plan

  /// - Parameter rendering: what a format could not say, when one is asked for.
  package static func findings(_ topology: Topology, _ plan: Plan, rendering: Rendering? = nil) -> [LintFinding] {
    let lint = Lint(topology: topology, plan: plan)
    let all =
      lint.forests + lint.reachability + lint.width + lint.overlaps + lint.ways + gaps(rendering)
      + excesses(rendering) + lint.reference
    // Stable: within a level, the order above.
    return all.enumerated().sorted { ($1.element.level, $0.offset) < ($0.element.level, $1.offset) }.map(\.element)
  }

  private static func gaps(_ rendering: Rendering?) -> [LintFinding] {
    var seen: Set<Gap> = []
    return (rendering?.gaps ?? []).filter { seen.insert($0).inserted }.map {
      LintFinding(.notExpressed, "At \($0.host): \($0.message).", remedy: "\($0.remedy).", rows: $0.rows)
    }
  }

  private static func excesses(_ rendering: Rendering?) -> [LintFinding] {
    (rendering?.excesses ?? []).map { LintFinding(.quota, "At \($0.host): \($0.message).", remedy: "\($0.remedy).") }
  }

  /// The annotations of the rows in use, and what the reference has no row for at all.
  private var reference: [LintFinding] {
    let used = Set(plan.rules.flatMap(\.rows))
    var found = Annotation.all.compactMap { note -> LintFinding? in
      let rows = note.rows.filter(used.contains)
      guard !rows.isEmpty, !isSettled(note.number) else { return nil }
      return LintFinding(
        .reference, "Annotation \(note.number) (\(note.kind.rawValue)): \(note.text)", remedy: remedy(note), rows: rows)
    }
    if !(topology.federation?.servers ?? []).isEmpty && used.contains(where: { $0.rawValue.contains("federation") }) {
      found.append(
        LintFinding(
          .referenceFarmDirectory,
          "Federation servers are members of the domain: they need DNS, Kerberos, LDAP, SMB and RPC to its controllers "
            + "and the farm's database, and the reference has no table for them.",
          remedy: "Plan these flows as for any domain member; no rule is made here.", path: "federation"))
      found.append(
        LintFinding(
          .referenceFarmRevocation,
          "Federation servers and proxies check revocation themselves (80/TCP outwards); the reference lists it for the "
            + "Connect server only.",
          remedy: "Open 80/TCP from them to the lists that their certificates name; no rule is made here.",
          path: "federation"))
    }
    return found
  }

  /// Annotations that this topology answers.
  private func isSettled(_ number: Int) -> Bool {
    switch number {
    case 6: topology.policy?.rpcPorts != nil
    case 7: topology.resolvers != nil
    case 11: topology.policy?.certificateAuthentication == .name
    default: false
    }
  }

  private func remedy(_ note: Annotation) -> String {
    switch note.number {
    case 6: "Pin RPC on the domain controllers and list the ports under policy.rpcPorts."
    case 7: "Name the resolvers in the section resolvers where they are not the domain controllers."
    case 11: "Prefer the certauth name: policy.certificateAuthentication: certauth-name."
    case 12: "List every domain and the forest root under forests; this lint checks it."
    case 13: "Set the idle timeout on the firewalls between Connect and the cloud."
    default:
      note.kind == .omission
        ? "Open it separately where you use it; no row of the reference asks for it, so no rule is made."
        : "Nothing to do: the rules follow the annotation."
    }
  }

  private var reachability: [LintFinding] {
    var found = plan.unreachable.map { flow in
      LintFinding(
        .unreachableFamily,
        "\(flow.source) cannot reach \(flow.destination) for \(flow.row): they have no address family in common.",
        remedy: "Give both an address of the same family, and let policy.addressFamilies name it.", rows: [flow.row],
        path: path(of: flow.destination))
    }
    let planned = Set(plan.rules.flatMap(\.rows))
    for (index, feature) in topology.features.enumerated() {
      let missing = ReferenceRow.all.filter { row in
        row.features.contains(feature) && !planned.contains(row.id)
          && !plan.unreachable.contains { $0.row == row.id } && isExpected(row, for: feature)
      }
      guard let row = missing.first else { continue }
      found.append(
        LintFinding(
          .unreachableFeature,
          "\(feature.rawValue) needs \(missing.map(\.id.rawValue).joined(separator: ", ")), and the topology names no "
            + "\(row.id == .connectADGlobalCatalog ? "global catalog" : "end for it").",
          remedy: row.id == .connectADGlobalCatalog
            ? "Mark the domain controllers that are global catalogs: globalCatalog: true."
            : "Complete the sections for the \(row.source.title) and the \(row.destination.title).",
          rows: missing.map(\.id), path: "features[\(index)]"))
    }
    let busy = Set(plan.rules.flatMap { [$0.host] + $0.peers.map(\.name) })
    for (path, role, host) in topology.namedHosts where !busy.contains(host.name) {
      guard role != .activeDirectory || isUsed(host.name) else { continue }
      found.append(
        LintFinding(
          .unusedHost, "No rule concerns \(host.name) (\(role.title)).",
          remedy: "Check that the features that use it are listed, or take it out.", path: path))
    }
    return found
  }

  /// Revocation lists of the cloud and of the farm are two rows of one feature; a topology may have only one of them.
  private func isExpected(_ row: ReferenceRow, for feature: Feature) -> Bool {
    switch row.destination {
    case .federation: topology.federation != nil || row.features.count == 1
    case .cloud: row.id != .connectCloudHTTP || !(topology.cloud ?? []).isEmpty
    default: true
    }
  }

  private func isUsed(_ controller: String) -> Bool {
    topology.forests.contains { $0.usedControllers.map(\.name).containsName(controller) }
      || (topology.resolvers ?? []).map(\.name).containsName(controller)
  }

  func path(of name: String) -> String? { topology.namedHosts.first { $0.host.name == name }?.path }
}
