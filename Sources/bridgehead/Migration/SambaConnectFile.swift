// SPDX-License-Identifier: Apache-2.0

import LDAP
import Wire

/// `azure.conf` of AzureADConnect_Samba4 (github.com/sfonteneau/AzureADConnect_Samba4): one section, `[common]`.
struct SambaConnectFile {
  private let file: String
  private let entries: [String: INIFile.Entry]
  private var notes: [Migration.Note]
  private var settings = MigratedSettings()

  static func read(_ ini: INIFile, file: String) throws -> Migration {
    guard let entries = ini.sections["common"] else {
      throw MigrationFault.error(
        file, 1, "there is no section [common]",
        remedy: "name an azure.conf of AzureADConnect_Samba4, or the JSON that Entra Connect exports.")
    }
    var reader = SambaConnectFile(file: file, entries: entries)
    return try reader.migration()
  }

  private init(file: String, entries: [String: INIFile.Entry]) {
    self.file = file
    self.entries = entries
    notes = [.init(file: file, line: nil, text: Configuration.placeholderNote)]
  }

  /// Keys whose meaning is carried over below.
  private static let carried: Set = [
    "azureadname", "url", "user_ad", "password_ad", "basedn", "basedn_user", "basedn_group", "basedn_computer", "proxy",
    "verify", "sync_device",
  ]

  /// Keys that have no counterpart when they are on (or say anything at all), and what that means.
  private static let untranslated: [String: String] = [
    "tenant_id": "the target is named by its url",
    "custom_filter_user": "a filter by attribute needs a rule; units are carried over, this filter is not",
    "custom_filter_group": "a filter by attribute needs a rule; units are carried over, this filter is not",
    "custom_filter_computer": "a filter by attribute needs a rule; units are carried over, this filter is not",
    "alternate_login_id_attr": "write a rule for userPrincipalName where it is to come from another attribute",
    "hash_synchronization": "password hashes are not synchronised",
    "create_service_connection_point": "the service connection point is not written",
    "enable_single_sign_on": "seamless single sign-on is not carried over",
    "folder_callback_python": "Python callbacks are not called; write rules for what they change",
    "pathsmbconf": "the forest is read over LDAP; Samba's own configuration is not needed",
    "dbpath": "that database is not taken over; the first run reads everything",
    "credential_cache_file": "tokens are not taken over",
    "save_to_cache": "tokens are not taken over",
    "use_cache": "tokens are not taken over",
    "use_get_syncobjects": "what the target holds is learnt from the target",
    "calculate_deletions_based_on_last_sync": "deletions always follow from what was imported",
    "warning_duplicate_mail_value": "duplicates are always quarantined and named",
    "logfile": "the log goes to standard error",
  ]

  private func value(_ key: String) -> String? {
    entries[key].flatMap { $0.value.isEmpty ? nil : $0.value }
  }

  private mutating func note(_ key: String, _ text: String) {
    notes.append(.init(file: file, line: entries[key]?.line, text: "\(key): \(text)"))
  }

  private mutating func migration() throws -> Migration {
    settings.includesDevices = isOn("sync_device")
    let units = bases()
    let server = try directoryServer()
    let name = try forestName(server?.host)
    var forest = MigratedForest(
      name: name,
      partitions: [
        .init(
          name: NamingContext.ofDomain(name), line: 1, included: units,
          excluded: [], controllers: server.map { [$0.host] } ?? [])
      ])
    forest.transport = server?.transport
    account(&forest)
    try explainTheRest()
    return Migration(
      configuration: .migrated(
        forests: [forest.configuration()], verifiedDomains: [value("azureadname") ?? name],
        trust: certificateAuthority(), httpProxy: try proxy(), settings: settings),
      notes: notes)
  }

  private func isOn(_ key: String) -> Bool {
    !["", "false", "0", "no", "off"].contains((entries[key]?.value ?? "").lowercased())
  }

  /// `basedn`, or one for users, one for groups and one for computers; several are separated by `|`.
  private mutating func bases() -> [String] {
    let common = value("basedn")
    let lists = ["basedn_user", "basedn_group"].map { key in (value(key) ?? common ?? "").split(separator: "|") }
    if lists.contains(where: \.isEmpty) {
      if lists.contains(where: { !$0.isEmpty }) {
        note(
          value("basedn_user") == nil ? "basedn_group" : "basedn_user", "the other kind was read in the whole domain")
      }
      return []
    }
    if lists[0] != lists[1] {
      note("basedn_user", "units hold for users and groups alike; those of both are included")
    }
    var units: [String] = []
    let computers = settings.includesDevices ? (value("basedn_computer") ?? common ?? "").split(separator: "|") : []
    for unit in lists.joined() + computers {
      let name = String(unit.drop { $0 == " " })
      if !units.contains(name) { units.append(name) }
    }
    return units
  }

  private mutating func directoryServer() throws -> (host: String, transport: String)? {
    guard let url = value("url") else { return nil }
    guard let scheme = ["ldap", "ldaps"].first(where: { url.lowercased().hasPrefix($0 + "://") }) else {
      note("url", "a local Samba database is not opened; the forest is read over LDAP from the servers that DNS names")
      return nil
    }
    let host = url.dropFirst(scheme.count + 3).prefix { $0 != ":" && $0 != "/" }
    guard host.contains(".") else {
      throw MigrationFault.error(
        file, entries["url"]?.line, "the url names no server by its full name",
        remedy: "write the domain controller's DNS name, as Kerberos needs it.")
    }
    return (String(host), scheme)
  }

  /// The file names the forest nowhere by itself.
  private mutating func forestName(_ host: String?) throws -> String {
    let names = ["basedn", "basedn_user", "basedn_group"].compactMap { value($0) }.flatMap { $0.split(separator: "|") }
    let domains = Set(names.map { DomainName.of(String($0)).lowercased() })
    guard domains.count <= 1 else {
      throw MigrationFault.error(
        file, entries["basedn_user"]?.line ?? entries["basedn"]?.line,
        "the base DNs lie in several domains: \(domains.sorted().joined(separator: ", "))",
        remedy: "write one file for each, and put their forests into one configuration.")
    }
    if let domain = domains.first, !domain.isEmpty { return domain }
    if let host, let dot = host.firstIndex(of: ".") { return String(host[host.index(after: dot)...]).lowercased() }
    guard let name = value("azureadname") else {
      throw MigrationFault.error(
        file, nil, "neither basedn nor url nor azureadname tells the domain's name",
        remedy: "add 'basedn = DC=corp,DC=example' to [common].")
    }
    note("azureadname", "the forest's name was guessed from it; correct connect.forests[0].name where they differ")
    return name.lowercased()
  }

  private mutating func account(_ forest: inout MigratedForest) {
    let realm = forest.name.uppercased()
    if let user = value("user_ad") {
      let short = user.split(separator: "\\").last.map(String.init) ?? user
      forest.principal = short.contains("@") ? short : "\(short)@\(realm)"
      if short.lowercased().hasPrefix("administrator") {
        note(
          "user_ad", "the domain's administrator is not needed; make an account (docs/operations/active-directory.md)")
      }
    } else {
      note("user_ad", "no account is named; make one (docs/operations/active-directory.md) and write its keytab")
    }
    guard value("password_ad") != nil else { return }
    let place = "/etc/bridgehead/\(forest.name).password"
    forest.password = SecretReference(file: place)
    note("password_ad", "the password was not copied; put it into \(place), readable for the service only")
  }

  /// `verify` names a file, or says true or false.
  private mutating func certificateAuthority() -> Configuration.Trust? {
    guard let verify = value("verify") else { return nil }
    switch verify.lowercased() {
    case "true", "1": return nil
    case "false", "0":
      note("verify", "certificates are always verified; name your authority in trust.roots")
      return nil
    default:
      note("verify", "these roots take the place of the system's for every connection, LDAPS included")
      return Configuration.Trust(roots: [verify])
    }
  }

  /// `http://user:password@host:port`.
  private mutating func proxy() throws -> Configuration.HTTPProxy? {
    guard let proxy = value("proxy") else { return nil }
    let address = proxy.split(separator: "/").dropFirst(proxy.contains("://") ? 1 : 0).first ?? ""
    let parts = address.split(separator: "@")
    guard let last = parts.last, let endpoint = Endpoint(parsing: last.contains(":") ? String(last) : "\(last):8080")
    else {
      throw MigrationFault.error(
        file, entries["proxy"]?.line, "the proxy has no host", remedy: "write it as http://host:port.")
    }
    let user = parts.count > 1 ? parts[0].split(separator: ":").first.map(String.init) : nil
    let place = "/etc/bridgehead/proxy.password"
    if user != nil { note("proxy", "its password was not copied; put it into \(place), readable for the service only") }
    return Configuration.HTTPProxy(
      address: "\(endpoint.host):\(endpoint.port)", user: user, password: user.map { _ in SecretReference(file: place) }
    )
  }

  /// A note for every key that was not carried over. Values are not repeated, whatever they hold.
  private mutating func explainTheRest() throws {
    for (key, entry) in entries.sorted(by: { $0.value.line < $1.value.line }) where !Self.carried.contains(key) {
      let isOff = !isOn(key)
      switch key {
      case "sourceanchorattr":
        if entry.value.lowercased() != "objectguid" {
          note(key, "anchors are made from objectGUID; with another one every object would be deleted and made anew")
        }
      // Where it is set it is used, and dry runs export nothing: both are what the configuration says.
      case "use_msdsconsistencyguid_if_exist": break
      case "dry_run":
        settings.isStaging = !isOff
        if !isOff { note(key, "connect.mode is staging: nothing is exported; 'connect preview' shows what would be") }
      case "write_msdsconsistencyguid_if_empty":
        settings.writesAnchors = !isOff
        if !isOff { note(key, "writeSourceAnchors is set; the account needs the right to write mS-DS-ConsistencyGuid") }
      case "synchronization_interval_service":
        // In seconds.
        settings.interval = Int(entry.value).flatMap {
          $0 <= 315_360_000 ? MigratedSettings.interval(seconds: $0) : nil
        }
        if settings.interval == nil { note(key, "is no number of seconds; write connect.schedule.interval") }
      case "do_delete":
        if isOff { note(key, "deletions are exported; connect.guard limits how many at once") }
      default:
        if let words = Self.untranslated[key] {
          if !isOff { note(key, words) }
        } else {
          note(key, "is not a key that is known here; it was left out")
        }
      }
    }
  }
}
