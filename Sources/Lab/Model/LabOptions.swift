// SPDX-License-Identifier: Apache-2.0

/// What a lab should be: everything that `up` can be asked for.
package struct LabOptions: Sendable, Codable, Hashable {
  /// DNS names of the forests, each with one domain of the same name.
  package var forests: [String]
  /// Domain controllers of each forest.
  package var domainControllers: Int
  /// Users inside the synchronised units of each forest.
  package var users: Int
  /// Groups of each forest, the group of everybody included.
  package var groups: Int
  /// Equal seeds give equal populations.
  package var seed: Int
  /// Add attributes like Exchange's (mailNickname, msExchHideFromAddressLists, extensionAttribute1 to 15).
  package var extendedSchema: Bool
  /// The first forest lives in 127.0.N.0/24, the next in N+1.
  package var firstNetwork: Int

  package static let largestPopulation = 1_000_000
  package static let mostDomainControllers = 9
  /// Third octet of the last network.
  package static let lastNetwork = 250

  package init(
    forests: [String] = ["corp.example"], domainControllers: Int = 1, users: Int = 1000, groups: Int = 100,
    seed: Int = 1, extendedSchema: Bool = false, firstNetwork: Int = 10
  ) {
    self.forests = forests
    self.domainControllers = domainControllers
    self.users = users
    self.groups = groups
    self.seed = seed
    self.extendedSchema = extendedSchema
    self.firstNetwork = firstNetwork
  }

  /// - Throws: ``LabError`` of code `invalidOption`.
  package func validate() throws(LabError) {
    func refuse(_ message: String, _ remedy: String) -> LabError { LabError(.invalidOption, message, remedy: remedy) }
    guard !forests.isEmpty else {
      throw refuse("A lab needs a forest.", "Name at least one, for example corp.example.")
    }
    for name in forests { try Self.validate(forest: name) }
    let plans = forests.map { ForestPlan.netbiosName(of: $0) }
    guard Set(plans).count == plans.count else {
      throw refuse(
        "Two forests have the same NetBIOS name (\(plans.joined(separator: ", "))).",
        "Let the first label of each forest's name differ.")
    }
    guard (1...Self.mostDomainControllers).contains(domainControllers) else {
      throw refuse(
        "\(domainControllers) domain controllers a forest are not possible.",
        "Ask for 1 to \(Self.mostDomainControllers).")
    }
    guard (1...Self.largestPopulation).contains(users), (0...Self.largestPopulation).contains(groups) else {
      throw refuse(
        "A forest of \(users) users and \(groups) groups is not possible.",
        "Ask for 1 to \(Self.largestPopulation) users and 0 to \(Self.largestPopulation) groups.")
    }
    guard firstNetwork >= 1, firstNetwork + forests.count - 1 <= Self.lastNetwork else {
      throw refuse(
        "The networks 127.0.\(firstNetwork).0/24 and following do not exist for \(forests.count) forests.",
        "Choose a first network between 1 and \(Self.lastNetwork + 1 - forests.count).")
    }
  }

  private static func validate(forest name: String) throws(LabError) {
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    let valid = labels.allSatisfy { label in
      (1...63).contains(label.count) && label.first != "-" && label.last != "-"
        && label.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7a) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2d }
    }
    guard labels.count >= 2, valid, name.utf8.count <= 64 else {
      throw LabError(
        .invalidOption, "\"\(name)\" is no name for a forest.",
        remedy:
          "Use a DNS name of at least two labels in lower-case letters, digits and hyphens, for example corp.example.")
    }
  }
}
