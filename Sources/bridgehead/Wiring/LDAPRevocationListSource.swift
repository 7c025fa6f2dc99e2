// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import DirectoryLocator
import LDAP
import Synchronization
import Wire

/// Fetches revocation lists from the forests' own directories, where Active Directory Certificate Services publishes them
/// (RFC 5280 4.2.1.13, RFC 4523 2.4-2.6).
///
/// A list is always read over 389, sealed by Kerberos, also where the forest itself is read over LDAPS: a connection over
/// TLS would need a list before it could fetch one (RFC 5280 8). Kerberos asks for none, and the list carries its own
/// signature.
///
/// A location comes from a certificate that is not trusted yet. So it reaches nothing but the domain controllers of the
/// configured forests, and it reads nothing but the attributes that hold lists.
final class LDAPRevocationListSource: RevocationListSource {
  /// Seconds for one list, the search for a domain controller included; shorter than a TLS handshake may take.
  static let deadline = Duration.seconds(10)
  /// The most controllers that are asked for one list.
  static let maximumControllers = 3
  /// RFC 4523 2.4-2.6, in lower case.
  static let attributes: Set<String> = ["certificaterevocationlist", "authorityrevocationlist", "deltarevocationlist"]

  /// Given later: the forests' own connections need the policy of trust that this source is a part of.
  private let forests = Mutex<[Forest]>([])

  var schemes: Set<String> { ["ldap"] }

  /// Where lists are read from now on; none, so that the forests can be released.
  func use(_ forests: [Forest]) { self.forests.withLock { $0 = forests } }

  func fetch(_ location: String) async throws(TrustError) -> [UInt8] {
    do {
      let request = try Request(location)
      return try await withThrowingTaskGroup(of: [UInt8].self) { group in
        group.addTask { try await self.read(request) }
        group.addTask {
          try await Task.sleep(for: Self.deadline)
          throw Self.unreachable(
            location, "no domain controller answered within \(Self.deadline.components.seconds) s.",
            remedy: "Check the domain controllers and the way to them on port 389 and, for Kerberos, 88.")
        }
        defer { group.cancelAll() }
        guard let list = try await group.next() else { throw CancellationError() }
        return list
      }
    } catch let error as TrustError {
      throw error
    } catch let error as any DiagnosableError {
      throw Self.unreachable(location, error.message, remedy: error.remedy)
    } catch {
      throw Self.unreachable(location, "\(error).", remedy: "Run it again.")
    }
  }

  /// What a location asks for.
  private struct Request {
    let location: String
    let url: LDAPURL
    /// Without options.
    let attribute: String

    init(_ location: String) throws {
      self.location = location
      url = try LDAPURL(location)
      // RFC 5280 4.2.1.13: one attribute of one entry.
      let type = (url.attributes.first ?? "certificateRevocationList").prefix { $0 != ";" }
      guard url.attributes.count <= 1, attributes.contains(type.lowercased()), url.scope == .base, !url.dn.isEmpty
      else {
        throw unreachable(
          location, "it does not name one entry and one attribute that holds revocation lists.",
          remedy: "Issue certificates with a location like ldap:///CN=…?certificateRevocationList?base.")
      }
      attribute = String(type)
    }
  }

  private func read(_ request: Request) async throws -> [UInt8] {
    let (forest, controllers) = try await controllers(for: request)
    var failure: (any Error)?
    for controller in controllers.prefix(Self.maximumControllers) {
      do {
        return try await read(request, forest, controller)
      } catch let error as LDAPError where error.isTransient {
        failure = error
      }
    }
    throw failure ?? CancellationError()
  }

  private func read(_ request: Request, _ forest: Forest, _ controller: DomainController) async throws -> [UInt8] {
    var options = LDAPOptions()
    options.limits.messageSize = CertificateList.maximumBytes + (64 << 10)
    options.limits.elementCount = 64
    let connection = try await forest.connectSealed(to: controller, options: options)
    let entry = try await connection.use {
      // RFC 4523 2.4 wants the option; servers that know the syntax but not the option need the plain name.
      try await $0.entry(
        request.url.dn, attributes: [request.attribute + ";binary", request.attribute], filter: request.url.filter)
    }
    guard let entry else {
      throw Self.unreachable(
        request.location, "\(controller.hostName) has no such object, or does not show it to the service account.",
        remedy:
          "Let the certificate authority publish its CRL there (certutil -dspublish), or grant the right to read it.")
    }
    guard let list = entry.bytes(request.attribute + ";binary") ?? entry.bytes(request.attribute), !list.isEmpty else {
      throw Self.unreachable(
        request.location, "the object on \(controller.hostName) holds no \(request.attribute).",
        remedy: "Let the certificate authority publish its CRL there (certutil -dspublish).")
    }
    return list
  }

  /// The controllers that may be asked, in order.
  private func controllers(for request: Request) async throws -> (Forest, [DomainController]) {
    let forests = forests.withLock { $0 }
    if let host = request.url.host { return try await named(host, request, forests) }
    let names = forests.flatMap { forest in
      Set(forest.domains + [forest.section.name]).map { (forest: forest, domain: $0.lowercased()) }
    }
    // The deepest domain holds the entry; the configuration partition hangs below the root domain's name and is
    // everywhere in the forest (MS-ADTS 3.1.1.1.2).
    let matches = names.filter { request.url.isBelow($0.domain) }
    guard let (forest, domain) = matches.max(by: { $0.domain.count < $1.domain.count }) else {
      throw Self.unreachable(
        request.location, "it names no server, and its entry is in none of the configured forests.",
        remedy:
          "Configure the forest under connect.forests, or let the certificate authority publish its CRL over http.")
    }
    let serving = forest.domains.first { $0.lowercased() == domain } ?? forest.domains.first ?? domain
    return (forest, try await forest.locator.controllers(of: serving))
  }

  /// Only a controller of a forest may be named: it is signed in to.
  private func named(
    _ host: String, _ request: Request, _ forests: [Forest]
  ) async throws -> (Forest, [DomainController]) {
    var failure: (any Error)?
    for forest in forests {
      for domain in forest.domains {
        do {
          let controllers = try await forest.locator.controllers(of: domain)
          let found = controllers.first { ($0.hostName == host || $0.address == host) }
          if let found, found.port == request.url.port ?? LDAPConnection.ldapPort { return (forest, [found]) }
        } catch let error as LocatorError {
          failure = failure ?? error
        }
      }
    }
    throw failure
      ?? Self.unreachable(
        request.location, "\(host) is none of the domain controllers that answer for the configured forests.",
        remedy: "Let the certificate authority publish its CRL at ldap:/// without a server, or over http.")
  }

  private static func unreachable(_ location: String, _ cause: String, remedy: String) -> TrustError {
    TrustError(.listUnreachable, "The CRL at \(location) cannot be fetched: \(cause)", remedy: remedy)
  }
}

extension LDAPURL {
  /// Whether the entry's name ends in a domain's (RFC 2247 2).
  fileprivate func isBelow(_ domain: String) -> Bool {
    let suffix = domain.split(separator: ".").map { "dc=\($0)" }
    let components = dn.lowercased().split(separator: ",").suffix(suffix.count)
    return components.map { component in String(component.drop { $0 == " " }) } == suffix
  }
}
