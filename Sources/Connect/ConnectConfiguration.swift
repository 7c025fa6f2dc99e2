// SPDX-License-Identifier: Apache-2.0

package import SynchronisationRules

/// What the synchronisation engine is told about the directories and the target. Credentials are not here.
package struct ConnectConfiguration: Sendable {
  /// One forest or stand-alone domain that is read.
  package struct Forest: Sendable, Codable, Equatable {
    /// The source's name in the store, in logs and in `connect status`; never changed once used.
    package var name: String
    /// The DNS names of the domains that are read.
    package var domains: [String]
    package var filter: OrganizationalUnitFilter
    /// Whether `mS-DS-ConsistencyGuid` of a user without one is set to its `objectGUID` before the first export.
    package var writesAnchors: Bool
    /// Whether references that point outside the imported domains are looked up in the forest's Global Catalog.
    package var asksCatalog: Bool

    package init(
      name: String, domains: [String], filter: OrganizationalUnitFilter = OrganizationalUnitFilter(),
      writesAnchors: Bool = false, asksCatalog: Bool = false
    ) {
      self.writesAnchors = writesAnchors
      self.asksCatalog = asksCatalog
      self.name = name
      self.domains = domains
      self.filter = filter
    }
  }

  /// Which organisational units are synchronised. The nearest unit above an object that is named here decides; where
  /// none is, an object is in scope unless `include` names any.
  package struct OrganizationalUnitFilter: Sendable, Codable, Equatable {
    package var include: [String]
    package var exclude: [String]

    package init(include: [String] = [], exclude: [String] = []) {
      self.include = include
      self.exclude = exclude
    }
  }

  /// When an export is stopped before its first request.
  package struct Guard: Sendable, Codable, Equatable {
    /// Deletions of one type beyond this number stop the export, whatever the size of the directory.
    package var maximumDeletions: Int
    /// Deletions beyond this share of the type's objects stop the export, in percent.
    package var maximumPercent: Int
    /// So many deletions of one type pass whatever their share, so that tiny directories can be used; but never all of a
    /// type that has more than one object.
    package var floor: Int
    /// Members removed from groups beyond this number, in total, stop the export.
    package var maximumRemovals = 5_000
    /// Members removed beyond this share of all memberships stop the export, in percent.
    package var maximumRemovalPercent = 10
    /// Members removed from one group beyond this share of it stop the export, in percent.
    package var maximumGroupPercent = 50
    /// An attribute that so many objects below one unit lose at once, and none of those that change there keeps, stops the
    /// export. As for attributes that vanish everywhere (``AttributeWatch``), fewer may be cleared by hand.
    package var clearedValues = 20
    /// So many removals pass whatever their share, in total and for one group.
    package var removalFloor = 100
    package var groupRemovalFloor = 50
    /// Groups of more members than this are never emptied unasked.
    package var smallGroup = 10
    /// Deletions that a running service let pass so many seconds ago, or later, are counted with those that are pending.
    package var window: Double = 30 * 60
    /// Whether deletions that pass are remembered: for a service, whose passes nobody chooses.
    package var remembers = false

    package init(maximumDeletions: Int = 500, maximumPercent: Int = 10, floor: Int = 5) {
      self.maximumDeletions = maximumDeletions
      self.maximumPercent = maximumPercent
      self.floor = floor
    }

    /// How many of `total` objects of one type may be deleted in one pass.
    func limit(of total: Int) -> Int {
      let limit = max(floor, min(maximumDeletions, Self.share(maximumPercent, of: total)))
      return total > 1 ? min(limit, total - 1) : limit
    }

    /// How many of all `total` memberships may be removed in one pass.
    func limit(ofMemberships total: Int) -> Int {
      max(removalFloor, min(maximumRemovals, Self.share(maximumRemovalPercent, of: total)))
    }

    /// How many of a group's `total` members may be removed in one pass.
    func limit(ofMembers total: Int) -> Int {
      let limit = max(groupRemovalFloor, Self.share(maximumGroupPercent, of: total))
      return total > smallGroup ? min(limit, total - 1) : limit
    }

    private static func share(_ percent: Int, of total: Int) -> Int { total * min(max(0, percent), 100) / 100 }
  }

  /// The directory that is written to.
  package struct Target: Sendable, Codable, Equatable {
    /// The target's name in the store; never changed once used.
    package var name: String
    /// The SCIM service's base URL, for example `https://tenant.example/scim/v2`.
    package var url: String
    /// The domains that it has verified; a sign-in name under another one is replaced.
    package var verifiedDomains: [String]
    /// Its own domain, under which replaced sign-in names are put.
    package var initialDomain: String

    package init(name: String, url: String, verifiedDomains: [String], initialDomain: String) {
      self.name = name
      self.url = url
      self.verifiedDomains = verifiedDomains
      self.initialDomain = initialDomain
    }
  }

  package var forests: [Forest]
  /// The directories that are written to, at least one.
  package var targets: [Target]
  package var `guard`: Guard
  /// The attributes by which users of different forests are found to be the same person, in order: `lDAPDisplayName`s;
  /// `objectSid` stands for account and resource forests (its counterpart is `msExchMasterAccountSid`).
  package var joinUsersBy: [String]
  /// What flows, from which entries, and how.
  package var rules = StandardRules.ruleSet
  /// Whether computers are synchronised, as devices.
  package var includesDevices: Bool
  /// After so many seconds a target is read in full, and what drifted there is put back.
  package var targetReadingInterval: Double

  /// The sources in their order of precedence.
  var sources: [String] { forests.map(\.name) }

  /// The sources to which anchors are written back.
  var anchorSources: Set<String> { Set(forests.filter(\.writesAnchors).map(\.name)) }
  /// The sources whose references are looked up in a Global Catalog.
  var catalogSources: Set<String> { Set(forests.filter(\.asksCatalog).map(\.name)) }
  /// Imports and synchronises, and exports nothing.
  package var isStaging: Bool

  package init(
    forests: [Forest], targets: [Target], guard: Guard = Guard(), joinUsersBy: [String] = [],
    includesDevices: Bool = false, targetReadingInterval: Double = 24 * 3600,
    isStaging: Bool = false
  ) {
    self.forests = forests
    self.targets = targets
    self.guard = `guard`
    self.joinUsersBy = joinUsersBy
    self.includesDevices = includesDevices
    self.targetReadingInterval = targetReadingInterval
    self.isStaging = isStaging
  }
}
