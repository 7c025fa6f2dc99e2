// SPDX-License-Identifier: Apache-2.0

extension Schema {
  /// `bridgehead.yaml`.
  static let configuration = Schema.object([
    Property("version", .integer(1...1), required: true, "The version of this format.", example: "1"),
    Property("dns", dns, "How names are resolved."),
    Property("trust", trust, "Whom TLS connections trust, and how revocation is decided."),
    Property("httpProxy", httpProxy, "The HTTP proxy on the way to the cloud."),
    Property("connect", connect, "The synchronisation server."),
    Property("tenant", tenant, "The embedded cloud directory."),
    Property("metrics", metrics, "Prometheus metrics; off unless an address is given."),
  ])

  private static let dns = Schema.object([
    Property(
      "servers", .list(of: .string(.text)),
      "DNS servers as addresses, with an optional port; the machine's own resolver when absent.",
      example: "[192.0.2.53]")
  ])

  private static let trust = Schema.object([
    Property(
      "roots", .list(of: .string(.path)), "PEM files with the trusted roots; the system's roots when absent.",
      example: "[/etc/bridgehead/roots.pem]"),
    Property(
      "revocation", .choice(["require", "prefer", "off"]),
      "require: no connection without a fresh revocation list. prefer: go on when none can be had. off: do not ask. "
        + "Default: require.", example: "require"),
    Property(
      "revocationGrace", .string(.duration),
      "How long after its nextUpdate a revocation list still counts; at most 7d. Default: 1d.", example: "1d"),
    Property("revocationCache", .string(.path), "A folder that keeps revocation lists between runs."),
  ])

  private static let httpProxy = Schema.object([
    Property("address", .string(.endpoint), required: true, "The proxy's host and port."),
    Property("user", .string(.text), "The user for Basic authentication to the proxy."),
    Property("password", .secret, "The password for Basic authentication to the proxy."),
    Property("except", .list(of: .string(.text)), "Host names and suffixes (.corp.example) that are reached directly."),
  ])

  private static let connect = Schema.object([
    Property(
      "database", .string(.path), required: true, "The synchronisation database (SQLite).",
      example: "/var/lib/bridgehead/connect.sqlite"),
    Property(
      "mode", .choice(["active", "staging"]),
      "staging: import and synchronise, export nothing. active: export, too. Default: active."),
    Property("schedule", schedule, "When 'connect run' makes its passes."),
    Property(
      "passwordInterval", .string(.duration),
      "How often 'connect run' reads changed password hashes, where they are synchronised. Default: 2m."),
    Property("forests", .list(of: forest), required: true, "The on-premises forests."),
    Property(
      "joinUsersBy", .list(of: .string(.text)),
      "Attributes by which users of different forests are the same person, in order: mail, employeeID or another; "
        + "objectSid joins mailboxes in a resource forest to their accounts. Nobody is joined when absent."),
    Property(
      "rules", .string(.path), "A file with the synchronisation rules (docs/rules.md); the standard rules when absent."),
    Property("devices", .boolean, "Whether computers are synchronised, as devices. Default: false."),
    Property("target", target, "The cloud directory (this or targets)."),
    Property("targets", .list(of: target), "Several cloud directories side by side; each needs a name."),
    Property(
      "readTargetsEvery", .string(.duration),
      "How often a cloud directory is read in full, so that what was changed there is put back. Default: 1d."),
    Property("guard", deletionGuard, "What stops an export."),
    Property("writeback", writeback, "Password writeback (docs/operations/passwords.md); off when absent."),
  ])

  private static let writeback = Schema.object([
    Property(
      "key", .string(.path), required: true,
      "The file with the private key that 'connect writeback key' makes; requests are encrypted to it."),
    Property("perUser", .integer(1...1000), "Attempts for one user in an hour. Default: 5."),
    Property("perHour", .integer(1...100_000), "Requests of any kind in an hour. Default: 300."),
    Property(
      "concurrency", .integer(1...64),
      "Requests that are carried out at a time, half of them for one domain. Default: 8."),
  ])

  private static let schedule = Schema.object([
    Property("interval", .string(.duration), "From the start of one pass to the next. Default: 30s."),
    Property(
      "full", .string(.duration),
      "How often the forests and the cloud directory are read from the start; never when absent."),
  ])

  private static let forest = Schema.object([
    Property("name", .string(.dnsName), required: true, "The forest's DNS name.", example: "corp.example"),
    Property("domains", .list(of: .string(.dnsName)), "The domains to read; the forest's root domain when absent."),
    Property(
      "domainControllers", .list(of: .string(.dnsName)),
      "The only domain controllers to be used, in this order; all that DNS names when absent."),
    Property("site", .string(.text), "The Active Directory site of this server; learnt from the forest when absent."),
    Property(
      "transport", .choice(["ldap", "ldaps"]),
      "ldap: port 389 signed and sealed by Kerberos. ldaps: port 636. Default: ldap.", example: "ldap"),
    Property(
      "credentials", credentials, required: true, "The service account; it needs Replicating Directory Changes."),
    Property(
      "passwordCredentials", credentials,
      "An account of its own that reads password hashes; it needs Replicating Directory Changes and Replicating "
        + "Directory Changes All. They are not synchronised when absent."),
    Property(
      "writebackCredentials", credentials,
      "An account of its own that resets passwords and ends lockouts; it needs Reset Password, Write pwdLastSet and Write "
        + "lockoutTime on writebackUnits."),
    Property(
      "writebackUnits", organizationalUnits,
      "The units whose users' passwords may be changed from the cloud; include names at least one."),
    Property("organizationalUnits", organizationalUnits, "Which organisational units are synchronised."),
    Property(
      "writeSourceAnchors", .boolean,
      "Whether each new user's objectGUID is kept in its mS-DS-ConsistencyGuid before it is exported, so that it keeps "
        + "its cloud object when it moves to another forest; the account needs the right to write it. Default: false."),
    Property(
      "globalCatalog", .boolean,
      "Whether members and managers that no imported domain holds are looked up in the forest's global catalog, on port "
        + "3268, or 3269 with transport ldaps. Default: true."),
    Property(
      "seamlessSSO", seamlessSSO,
      "Lets 'connect run' roll the key of Seamless SSO by itself (docs/operations/seamless-sso.md); off when absent."),
  ])

  private static let seamlessSSO = Schema.object([
    Property(
      "rollEvery", .string(.duration), required: true, "The age at which the key is rolled, at least 1d.",
      example: "30d"),
    Property(
      "tokenFile", .string(.path), required: true, "A token of the tenant with the scope sso.",
      example: "/etc/bridgehead/sso.token"),
    Property(
      "credentials", credentials, required: true,
      "An account of its own; it needs Reset Password on the account BRIDGEHEADSSO and nothing else."),
    Property("domain", .string(.dnsName), "The domain of the account; the forest's root when absent."),
    Property("account", .string(.text), "The account's name. Default: BRIDGEHEADSSO."),
    Property("target", .string(.text), "The tenant; needed where there are several targets."),
  ])

  private static let credentials = Schema.object([
    Property(
      "principal", .string(.principal), required: true, "The service account's principal.",
      example: "svc-sync@CORP.EXAMPLE"),
    Property(
      "keytab", .string(.path), "A keytab with the account's keys (this or password).",
      example: "/etc/bridgehead/svc-sync.keytab"),
    Property("password", .secret, "The account's password (this or keytab)."),
    Property(
      "clockSkew", .string(.duration), "The largest difference to the domain controller's clock. Default: 5m."),
  ])

  private static let organizationalUnits = Schema.object([
    Property(
      "include", .list(of: .string(.distinguishedName)),
      "Only what lies below these is synchronised; the whole domain when absent.",
      example: #"["OU=People,DC=corp,DC=example", "OU=Groups,DC=corp,DC=example"]"#),
    Property("exclude", .list(of: .string(.distinguishedName)), "What lies below these is not synchronised."),
  ])

  private static let target = Schema.object([
    Property(
      "name", .string(.text), "The target's name in the database; never changed once used. Default: cloud."),
    Property(
      "kind", .choice(["scim", "sync-api"]),
      "scim: a SCIM 2.0 service. sync-api: the interface of Entra Connect itself, which Microsoft does not document "
        + "(docs/operations/sync-api.md). Default: scim."),
    Property(
      "url", .string(.url), required: true, "The SCIM 2.0 service's base URL, or the Sync API's address.",
      example: "https://tenant.corp.example/scim/v2"),
    Property(
      "token", .secret, "The bearer token of a SCIM 2.0 service.", example: "{ file: /etc/bridgehead/tenant.token }"),
    Property(
      "passwordToken", .secret,
      "A bearer token of the scope 'credentials', with which derived password hashes are sent. None are when absent."),
    Property("signIn", signIn, "How Connect signs in to a target of kind sync-api."),
    Property(
      "passwords", .boolean,
      "Whether derived password hashes are sent to a target of kind sync-api. Default: false."),
    Property(
      "writebackToken", .secret,
      "A bearer token of the scope 'writeback', with which requests to change passwords are fetched. None are when absent."
    ),
    Property(
      "verifiedDomains", .list(of: .string(.dnsName)), required: true,
      "The domains that the cloud directory has verified; other UPN suffixes are replaced.", example: "[corp.example]"),
    Property(
      "initialDomain", .string(.dnsName), required: true,
      "The cloud directory's own domain, for names whose suffix is not verified.", example: "corp.tenant.example"),
    Property("concurrency", .integer(1...64), "Requests under way at once. Default: 8."),
    Property("requestTimeout", .string(.duration), "The longest wait for one answer. Default: 30s."),
  ])

  private static let signIn = Schema.object([
    Property(
      "authority", .string(.url), required: true,
      "The authorisation server with the tenant: https://login.microsoftonline.com/TENANT, or the address of the tenant's own "
        + "service with its initial domain."),
    Property("clientID", .string(.text), required: true, "The application's identifier."),
    Property(
      "certificate", .string(.path), "The application's certificate, PEM (with key, or refreshToken instead)."),
    Property("key", .string(.path), "The certificate's RSA key, PEM, readable by its owner alone."),
    Property(
      "refreshToken", .string(.path),
      "Where the refresh token is kept that 'connect sign-in' leaves behind, when a person signs in on another device."),
    Property("scope", .string(.text), "What the token is for. Default: https://graph.windows.net/.default."),
  ])

  private static let deletionGuard = Schema.object([
    Property("deletions", .integer(1...10_000_000), "More deletions than this stop the export. Default: 500."),
    Property(
      "deletionPercent", .integer(1...100),
      "Deletions of more than this share of a type stop the export. Default: 10."),
    Property(
      "memberRemovals", .integer(1...100_000_000),
      "More members removed from groups than this, in total, stop the export. Default: 5000."),
    Property(
      "memberRemovalPercent", .integer(1...100),
      "Removals of more than this share of all memberships stop the export. Default: 10."),
    Property(
      "groupRemovalPercent", .integer(1...100),
      "Removals of more than this share of one group's members stop the export. Default: 50."),
    Property(
      "deletionFloor", .integer(0...10_000_000),
      "So many deletions pass whatever their share of a type, unless nothing of a type with several objects would be left. "
        + "Default: 5."),
    Property(
      "memberRemovalFloor", .integer(0...100_000_000),
      "So many removals pass whatever their share of all memberships. Default: 100."),
    Property(
      "groupRemovalFloor", .integer(0...100_000_000),
      "So many removals pass whatever their share of one group's members. Default: 50."),
    Property(
      "smallGroup", .integer(0...100_000_000),
      "The removal of all members of a group that has more than this stops the export. Default: 10."),
    Property(
      "clearedValues", .integer(1...100_000_000),
      "So many objects below one unit that lose an attribute at once, while none that changes there keeps it, stop the "
        + "export. Default: 20."),
    Property(
      "window", .string(.duration),
      "The deletions that 'connect run' exported within this time count with those that are pending. Default: 30m."),
  ])

  private static let tenant = Schema.object([
    Property(
      "database", .string(.path), required: true, "The tenant's database (SQLite).",
      example: "/var/lib/bridgehead/tenant.sqlite"),
    Property("listen", .string(.endpoint), required: true, "Where to listen.", example: "127.0.0.1:8443"),
    Property(
      "certificate", .string(.path), required: true, "The certificate chain, PEM.",
      example: "/etc/bridgehead/tenant.pem"),
    Property("key", .string(.path), required: true, "The private key, PEM.", example: "/etc/bridgehead/tenant.key"),
    Property(
      "sealingKey", .string(.path),
      "The file with the key that derived passwords and signing keys are sealed with in the database; made at the first "
        + "use. Back it up apart from the database. Default: the database's path and '.key'."),
    Property("url", .string(.url), "The base URL that clients use; made from listen when absent."),
    Property("requestsPerMinute", .integer(1...10_000_000), "The request rate of one token. Default: 60000."),
    Property("maximumBodyBytes", .integer(1024...1_073_741_824), "The largest request body. Default: 4194304."),
  ])

  private static let metrics = Schema.object([
    Property("listen", .string(.endpoint), required: true, "Where to serve /metrics.", example: "127.0.0.1:9464")
  ])
}
