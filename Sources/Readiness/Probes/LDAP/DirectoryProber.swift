// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import FoundationEssentials
import LDAP
package import PortReference
import Wire

/// LDAP on 389, 636 and 3268: the rootDSE without credentials; with them, one object read under Kerberos.
package struct DirectoryProber: Prober {
  package let row: RowID
  package let transport = Transport.tcp
  package let specification: String
  private let usesTLS: Bool

  package static let ldap = DirectoryProber(.connectADLDAP, "RFC 4511 4.2, 4.5, RFC 4512 5.1, MS-ADTS 5.1.1")
  package static let ldaps = DirectoryProber(.connectADLDAPS, "RFC 4511, RFC 4513 3, MS-ADTS 5.1.1.2", usesTLS: true)
  package static let globalCatalog = DirectoryProber(.connectADGlobalCatalog, "MS-ADTS 3.1.1.3.2, 5.1.1.4")

  private init(_ row: RowID, _ specification: String, usesTLS: Bool = false) {
    self.row = row
    self.specification = specification
    self.usesTLS = usesTLS
  }

  package func requiredDepth(withCredentials: Bool) -> Depth { withCredentials ? .operation : .service }

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let root = await rootDSE(target, context, log) else { return }
    // Another domain's controller has another name, too: the domain says more.
    if let head = root.defaultNamingContext, let domain = target.domain, Self.domain(head) != domain.lowercased() {
      return log.observe(.wrongDomain(found: Self.domain(head), expected: domain))
    }
    if let name = root.dnsHostName, target.serverName.contains("."), target.serverName != target.address,
      name.lowercased() != target.serverName.lowercased()
    {
      return log.observe(.wrongHost(found: name, expected: target.serverName))
    }
    log.reached(.service)
    if row == .connectADGlobalCatalog, !root.isGlobalCatalogReady { return log.observe(.globalCatalogNotReady) }
    if let time = root.currentTime {
      let skew = Double(time) - context.now().timeIntervalSince1970
      if abs(skew) >= 2 { log.observe(.clockSkew(seconds: skew.rounded(), source: "the rootDSE's currentTime")) }
    }
    guard let credentials = context.credentials else { return }
    let base = row == .connectADGlobalCatalog ? root.rootDomainNamingContext : root.defaultNamingContext
    guard let base else { return log.observe(.note("the rootDSE names no naming context to read")) }
    await readOneObject(base, credentials, target, context, log)
  }

  // MARK: - Without credentials

  private func rootDSE(_ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async -> RootDSE? {
    guard let socket = await context.sockets.connect(target, deadline: context.deadline, log) else { return nil }
    let stream: ProbeStream
    do {
      stream = try await socket.stream(on: context.group)
    } catch {
      log.observe(.systemError("\(error)"))
      return nil
    }
    defer { stream.close() }
    if usesTLS, await stream.secure(target, context, log) == nil { return nil }
    let question = RootDSEQuestion(id: Int32.random(in: 1...Int32.max))
    let bytes = await stream.exchange(
      question.message, limit: RootDSEQuestion.maximumAnswer, sent: "search of the rootDSE, without a bind", context,
      log
    ) { bytes in
      do {
        return try question.answer(bytes).map { .complete(Self.words($0)) } ?? .incomplete
      } catch {
        return .wrong
      }
    }
    guard let bytes, let answer = try? question.answer(bytes) else { return nil }
    switch answer {
    case .found(let root): return root
    case .refused(let result):
      log.reached(.service)
      log.observe(.ldapResult(code: Int(result.code.rawValue), name: result.code.description))
      return nil
    }
  }

  private static func words(_ answer: RootDSEQuestion.Answer) -> String {
    switch answer {
    case .found(let root):
      "rootDSE of \(root.dnsHostName ?? "a server without dnsHostName"), \(root.defaultNamingContext ?? "no naming context")"
        + (root.isGlobalCatalogReady ? ", global catalog ready" : "")
    case .refused(let result): "result \(result.code)"
    }
  }

  /// `DC=corp,DC=example` as `corp.example`.
  private static func domain(_ dn: String) -> String {
    dn.split(separator: ",").compactMap { part in
      let pair = part.split(separator: "=", maxSplits: 1)
      return pair.count == 2 && pair[0].lowercased() == "dc" ? pair[1].lowercased() : nil
    }.joined(separator: ".")
  }

  // MARK: - With credentials

  private func readOneObject(
    _ base: String, _ credentials: any SecurityContextProvider, _ target: ProbeTarget, _ context: ProbeContext,
    _ log: ConversationLog
  ) async {
    let security: ConnectionSecurity
    if usesTLS {
      guard let policy = context.trust(target.role) else { return }
      security = .tls(policy, .negotiated(credentials))
    } else {
      security = .sealed(credentials)
    }
    guard
      let socket = await context.sockets.connect(target, phase: .authenticate, deadline: context.deadline, log)
    else { return }
    do {
      var options = LDAPOptions()
      options.handshakeTimeout = context.patience()
      options.operationTimeout = context.patience()
      let server = ServerAddress(host: target.serverName, address: target.address, port: target.port)
      let connection = try await log.phase(
        .authenticate, sent: "bind with \(usesTLS ? "Kerberos inside TLS" : "Kerberos, sign and seal")"
      ) {
        let made = try await LDAPConnection.connect(
          to: server, security: security, flow: Flow(row: row.rawValue, recorder: UnrecordedFlows()), options: options,
          over: socket.take(), group: context.group, logger: context.logger)
        return (made, received: "bound: \(made.protection)")
      }
      log.reached(.authenticated)
      let found =
        row == .connectADGlobalCatalog
        ? try await searchTree(base, connection, log) : try await read(base, connection, log)
      await connection.close()
      if found { log.reached(.operation) } else { log.observe(.permissionDenied("\(base) may not be read.")) }
    } catch {
      log.observeSignIn(error, phase: .authenticate, context)
    }
  }
}

extension DirectoryProber {
  private func read(_ base: String, _ connection: LDAPConnection, _ log: ConversationLog) async throws -> Bool {
    try await log.phase(.operation, sent: "read of \(base)") {
      let entry = try await connection.entry(base, attributes: ["objectClass"])
      return (entry != nil, received: entry.map { "\($0.dn)" } ?? "no such object that may be seen")
    }
  }

  /// What the catalog is for: a search of the forest's whole tree. The heads of its domains are few, and always there.
  private func searchTree(_ base: String, _ connection: LDAPConnection, _ log: ConversationLog) async throws -> Bool {
    try await log.phase(.operation, sent: "search for domains in the tree below \(base)") {
      let domains = connection.search(
        base: base, scope: .subtree, filter: .equal("objectClass", "domainDNS"), attributes: ["1.1"])
      var names: [String] = []
      for try await entry in domains where names.count < Self.shownDomains { names.append(entry.dn) }
      return (!names.isEmpty, received: names.isEmpty ? "nothing that may be seen" : names.joined(separator: "; "))
    }
  }

  private static let shownDomains = 4
}

/// A check is no use of a row: nothing is recorded.
struct UnrecordedFlows: FlowRecorder {
  func record(_ use: FlowUse) {}
}
