// SPDX-License-Identifier: Apache-2.0

import Wire

extension LDAPConnection {
  /// Reads one object by its name (scope base); nil when there is none that may be seen or it does not match.
  ///
  /// - Parameters:
  ///   - dn: a distinguished name, or `<GUID=…>` or `<SID=…>` on Active Directory (MS-ADTS 3.1.1.3.1.2.4).
  ///   - attributes: those that are wanted; empty for all.
  package func entry(
    _ dn: String, attributes: [String], filter: Filter = .present("objectClass"), extendedDNs: Bool = false,
    controls: [Control] = []
  ) async throws -> SearchEntry? {
    let controls = controls + (extendedDNs ? [ExtendedDN.control] : [])
    guard let entry = try await baseObject(dn, attributes, filter, controls).entry else { return nil }
    return try await completingRanges(of: entry, controls: controls)
  }

  /// Whether the server finds an object of that name, also where it shows nothing of it.
  package func isThere(_ dn: String) async throws -> Bool {
    try await baseObject(dn, ["1.1"], .present("objectClass"), []).isThere
  }

  /// The search under ``entry(_:attributes:filter:extendedDNs:controls:)``, ranges left as they come.
  func baseObject(
    _ dn: String, _ attributes: [String], _ filter: Filter, _ controls: [Control]
  ) async throws -> (entry: SearchEntry?, isThere: Bool) {
    let request = SearchRequest(base: dn, scope: .base, filter: filter, attributes: attributes)
    let operation = link.start(Request(operation: .searchRequest(request), controls: controls))
    var found: SearchEntry?
    while true {
      let messages = try await operation.next()
      guard !messages.isEmpty else {
        throw LDAPError.protocolViolation(server.description, "a search without a result")
      }
      for message in messages {
        switch message.operation {
        case .searchResultEntry(let entry) where found == nil: found = entry
        case .searchResultDone(let result):
          if result.code == .noSuchObject { return (nil, false) }
          guard result.code == .success else {
            throw LDAPError(result, action: "Reading \(dn)", server: server.description)
          }
          return (found, true)
        case .intermediateResponse: continue
        default: throw LDAPError.protocolViolation(server.description, "more than one answer to a read of one object")
        }
      }
    }
  }
}
