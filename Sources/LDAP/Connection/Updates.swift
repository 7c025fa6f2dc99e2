// SPDX-License-Identifier: Apache-2.0

import Wire

/// Operations that change the directory, and compare. Each has one answer; anything but success throws ``LDAPError``.
extension LDAPConnection {
  /// RFC 4511 4.6.
  package func modify(_ dn: String, _ changes: [Modification], controls: [Control] = []) async throws {
    try await update("Modifying \(dn)", .modifyRequest(ModifyRequest(dn: dn, changes: changes)), controls)
  }

  /// RFC 4511 4.7.
  package func add(_ dn: String, _ attributes: [Attribute], controls: [Control] = []) async throws {
    try await update("Adding \(dn)", .addRequest(AddRequest(dn: dn, attributes: attributes)), controls)
  }

  /// RFC 4511 4.8.
  package func delete(_ dn: String, controls: [Control] = []) async throws {
    try await update("Deleting \(dn)", .deleteRequest(dn: dn), controls)
  }

  /// RFC 4511 4.9: renames, and moves when there is a new superior.
  package func modifyDN(
    _ dn: String, newRDN: String, deleteOldRDN: Bool = true, newSuperior: String? = nil, controls: [Control] = []
  ) async throws {
    let request = ModifyDNRequest(dn: dn, newRDN: newRDN, deleteOldRDN: deleteOldRDN, newSuperior: newSuperior)
    try await update("Renaming \(dn)", .modifyDNRequest(request), controls)
  }

  /// RFC 4511 4.10: whether the object has the value.
  package func compare(_ dn: String, attribute: String, value: [UInt8]) async throws -> Bool {
    let request = CompareRequest(dn: dn, attribute: attribute, value: value)
    let result = try await result("Comparing \(dn)", .compareRequest(request), [])
    switch result.code {
    case .compareTrue: return true
    case .compareFalse: return false
    default: throw LDAPError(result, action: "Comparing \(dn)", server: server.description)
    }
  }

  /// RFC 4511 4.12.
  package func extended(_ request: ExtendedRequest) async throws -> ExtendedResponse {
    let message = try await link.perform(.extendedRequest(request))
    guard case .extendedResponse(let response) = message.operation else {
      throw LDAPError.protocolViolation(server.description, "another answer than ExtendedResponse")
    }
    guard response.result.code == .success else {
      throw LDAPError(response.result, action: "The extended operation \(request.name)", server: server.description)
    }
    return response
  }

  private func update(_ action: String, _ operation: ProtocolOperation, _ controls: [Control]) async throws {
    let result = try await result(action, operation, controls)
    guard result.code == .success else { throw LDAPError(result, action: action, server: server.description) }
  }

  private func result(
    _ action: String, _ operation: ProtocolOperation, _ controls: [Control]
  ) async throws -> LDAPResult {
    switch (operation, try await link.perform(operation, controls: controls).operation) {
    case (.modifyRequest, .modifyResponse(let result)), (.addRequest, .addResponse(let result)),
      (.deleteRequest, .deleteResponse(let result)), (.modifyDNRequest, .modifyDNResponse(let result)),
      (.compareRequest, .compareResponse(let result)):
      return result
    default: throw LDAPError.protocolViolation(server.description, "an answer of another kind (\(action))")
    }
  }
}
