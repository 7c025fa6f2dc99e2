// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Decides whether an account has a right, from access lists alone. Nothing is tried out.
package struct RightJudgement: Sendable {
  /// Who the account is to the domain; nil where it could not be found, and then no command can name it.
  package var account: ForestAccount?
  package var principal: String
  package var token: Set<SecurityIdentifier>
  /// By lower-case name.
  package var properties: [String: ForestProperty]

  package init(
    account: ForestAccount?, principal: String, token: Set<SecurityIdentifier>, properties: [String: ForestProperty]
  ) {
    self.account = account
    self.principal = principal
    self.token = token
    self.properties = properties
  }

  package typealias Need = ForestRequirements.Need

  /// Users that are looked at in one place: enough to meet units whose inheritance is switched off, few enough to read.
  package static let sample = 200

  /// A right on one object.
  package func finding(_ need: Need, on descriptor: SecurityDescriptor?) -> ForestFinding {
    guard let access = access(need.right) else { return unknownProperty(need) }
    guard let descriptor else { return unreadable(need, need.place) }
    return finding(need, descriptor.outcome(of: access, for: token), "on \(need.place)")
  }

  /// A right on the users below a unit: on those that are there, else on those that would be made.
  package func finding(_ need: Need, onUsers users: [ForestObject], below unit: SecurityDescriptor?) -> ForestFinding {
    guard let access = access(need.right) else { return unknownProperty(need) }
    guard let unit else { return unreadable(need, need.place) }
    let readable = users.filter { $0.descriptor != nil }
    guard !readable.isEmpty else {
      let outcome = unit.inherited(byClass: ForestRight.userClass).outcome(of: access, for: token)
      return finding(need, outcome, "on users below \(need.place) (there are none yet that can be looked at)")
    }
    let outcomes = readable.map { ($0, $0.descriptor?.outcome(of: access, for: token) ?? .absent) }
    let lacking = outcomes.filter { $0.1 != .granted }
    let place = "on users below \(need.place)"
    guard let first = lacking.first else {
      return finding(need, .granted, "\(place) (\(readable.count) looked at)")
    }
    let isDenied = lacking.contains { $0.1 == .denied }
    var result = finding(
      need, isDenied ? .denied : .absent,
      "\(place) (\(lacking.count) of \(readable.count) looked at, for example \(first.0.name))")
    if !isDenied, lacking.allSatisfy({ $0.0.descriptor?.isProtected == true }) {
      // A grant on the unit does not reach whoever inherits nothing.
      result.grant = nil
      result.remedy =
        "Inheritance is switched off on \(first.0.name): switch it on (dsacls \"\(first.0.name)\" /P:N), or leave such "
        + "users out."
    }
    return result
  }

  /// A right that shows in what the account sees.
  package func finding(_ need: Need, isSeen: Bool) -> ForestFinding {
    finding(need, isSeen ? .granted : .absent, "(\(need.place))")
  }

  private func access(_ right: ForestRight) -> ObjectAccess? {
    if let control = right.control { return .control(control) }
    guard let property = properties[right.property?.lowercased() ?? ""] else { return nil }
    return .writeProperty(property.identifier, set: property.set)
  }

  private func finding(_ need: Need, _ outcome: AccessOutcome, _ place: String) -> ForestFinding {
    var result = ForestFinding(
      .right, need.role, need.place, .passed, "\(principal) has \(need.right.name) \(place).", right: need.right)
    guard outcome != .granted else { return result }
    result.verdict = .missing
    result.message = "\(principal) lacks \(need.right.name) \(place); with it, \(need.right.purpose)."
    if outcome == .denied {
      result.message += " An entry denies it."
      result.remedy = "Remove the entry that denies it to the account or one of its groups: a grant does not undo that."
      return result
    }
    guard let account else {
      result.remedy = "Grant it to the account; its own object was not found in the domain."
      return result
    }
    let property = properties[need.right.property?.lowercased() ?? ""]?.identifier
    result.grant = GrantCommand(need.right, on: need.place, to: account, property: property)
    result.remedy = "Grant it, as an administrator of the domain."
    return result
  }

  private func unreadable(_ need: Need, _ object: String) -> ForestFinding {
    ForestFinding(
      .right, need.role, need.place, .failed,
      "\(principal) cannot read the access list of \(object): whether it has \(need.right.name) there is not known.",
      remedy: "Check that the object exists, and let the account read its permissions (Read Permissions, RC).",
      right: need.right)
  }

  private func unknownProperty(_ need: Need) -> ForestFinding {
    ForestFinding(
      .right, need.role, need.place, .failed,
      "The forest's schema does not show \(need.right.property ?? "the property") to \(principal).",
      remedy: "Extend the schema, or let the account read it.", right: need.right)
  }
}
