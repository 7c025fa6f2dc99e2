// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import FoundationEssentials
import HTTP
import NIOCore
package import PortReference
import Wire

/// The revocation lists on 80: those that the cloud's certificates, as they are seen from here, name at this host. Each is
/// fetched, decoded, held against its issuer's key and its time.
package struct RevocationListProber: Prober {
  package let row = RowID.connectCloudHTTP
  package let transport = Transport.tcp
  package let specification = "RFC 5280 4.2.1.13, 5.1, 6.3"

  /// Servers whose certificates are looked at, and lists that are fetched.
  private static let maximumSources = 8
  private static let maximumLists = 8

  package init() {}

  package func requiredDepth(withCredentials: Bool) -> Depth { .operation }

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let web = await WebConnection.open(.http, target, context, log) else { return }
    defer { web.close() }
    let lists = await listed(target, context, log)
    guard !lists.isEmpty else {
      // Nothing names a list here. Whether the path is open can still be seen.
      guard let response = await web.get("/", context, log) else { return }
      if response.isRedirect || response.isWebPage { log.observe(.note("a web page at the root")) }
      return log.observe(.note("no certificate that was seen names a revocation list at \(target.serverName)"))
    }
    var connection: WebConnection? = web
    var good = 0
    for list in lists.prefix(Self.maximumLists) {
      if connection?.session.isOpen != true {
        connection = await WebConnection.open(.http, target, context, log, phase: .negotiate)
      }
      guard let open = connection else { return }
      guard await check(list, open, context, log) else { continue }
      good += 1
    }
    connection?.close()
    if good == lists.prefix(Self.maximumLists).count { log.reached(.operation) }
  }

  private struct Listed: Sendable {
    var url: HTTPURL
    var certificates: PresentedCertificates
    var anchors: TrustAnchors
  }

  // MARK: Which lists

  /// The lists at the target's host that the sources' certificates name.
  private func listed(_ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async -> [Listed] {
    guard let policy = context.trust(target.role) else { return [] }
    var found: [Listed] = []
    for source in target.certificateSources.prefix(Self.maximumSources) {
      guard let certificates = await presented(source, policy, target, context, log) else { continue }
      for location in certificates.revocationLocations {
        guard let url = try? HTTPURL(location), url.scheme == .http, url.host == target.serverName.lowercased(),
          !found.contains(where: { $0.url == url })
        else { continue }
        found.append(Listed(url: url, certificates: certificates, anchors: policy.validator.anchors))
      }
    }
    return found
  }

  /// A source's certificates, before anything is said about their trust: that is another row's.
  private func presented(
    _ source: ProbeTarget.CertificateSource, _ policy: TLSClientPolicy, _ target: ProbeTarget, _ context: ProbeContext,
    _ log: ConversationLog
  ) async -> PresentedCertificates? {
    let index = log.begin(.negotiate, sent: "ClientHello to \(source.serverName), for its certificate")
    let endpoint = target.relay.map { Endpoint(host: target.address, port: $0.port) } ?? source.endpoint
    guard case .success(let socket) = await context.sockets.open(endpoint, deadline: context.deadline) else {
      log.end(index, received: "no connection to \(endpoint)")
      return nil
    }
    do {
      let channel = try await socket.channel(on: context.group)
      defer { channel.close(promise: nil) }
      if let relay = target.relay {
        try await context.asking(relay) { proxy in
          try await HTTPSession.tunnel(
            through: proxy, to: Endpoint(host: source.serverName, port: source.endpoint.port), on: channel,
            within: TimeAmount(context.patience()))
        }
      }
      let certificates = try await policy.presented(
        channel, host: source.serverName, within: TimeAmount(context.patience()))
      let lists = certificates.revocationLocations
      log.end(
        index,
        received: "\(certificates.subject), issued by \(certificates.issuer); "
          + (lists.isEmpty ? "names no list" : "lists at \(lists.joined(separator: ", "))"))
      return certificates
    } catch {
      log.end(index, received: "\(error)")
      return nil
    }
  }

  // MARK: One list

  private func check(
    _ list: Listed, _ web: WebConnection, _ context: ProbeContext, _ log: ConversationLog
  ) async -> Bool {
    let location = list.url.description
    let response = await web.get(
      list.url.target, fields: ["Accept": "application/pkix-crl, */*;q=0.1"],
      maximumBytes: CertificateList.maximumBytes,
      phase: .operation, context, log)
    guard let response else { return false }
    if response.isWebPage || response.isRedirect {
      log.observe(.captivePortal("a web page or redirect in place of the revocation list \(location)"))
      return false
    }
    guard response.status == 200 else {
      log.observe(.revocationListUnreachable("\(location) (status \(response.status))"))
      return false
    }
    let certificateList: CertificateList
    do throws(TrustError) {
      certificateList = try CertificateList(response.body, from: location)
    } catch {
      log.observe(.revocationListBad(location: location, reason: error.message))
      return false
    }
    switch list.certificates.isSigned(certificateList, trusting: list.anchors) {
    case true?: break
    case false?:
      log.observe(.revocationListBad(location: location, reason: "The certificate's issuer did not sign it."))
      return false
    case nil:
      log.observe(
        .note("who issued the certificate that names \(location) is not known, so its signature proves nothing"))
      return false
    }
    let now = context.now()
    guard certificateList.thisUpdate <= now.addingTimeInterval(Self.clockTolerance) else {
      log.observe(
        .revocationListBad(
          location: location, reason: "It begins in the future, on \(certificateList.thisUpdate.formatted(.iso8601))."))
      return false
    }
    guard now < certificateList.nextUpdate else {
      log.observe(.revocationListStale(location: location, nextUpdate: certificateList.nextUpdate))
      return false
    }
    log.observe(
      .note(
        "\(location): \(certificateList.entryCount) entries, until \(certificateList.nextUpdate.formatted(.iso8601))"))
    log.observe(.revocationList(location: location, nextUpdate: certificateList.nextUpdate))
    return true
  }

  /// Seconds by which a list may seem to come from the future: clocks differ.
  private static let clockTolerance: TimeInterval = 300
}
