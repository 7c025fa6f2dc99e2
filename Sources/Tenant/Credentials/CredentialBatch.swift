// SPDX-License-Identifier: Apache-2.0

import SCIM

/// The body of `PATCH /tenant/credentials`; ``CredentialChange`` documents it. One wrong entry does not spoil the others.
package struct CredentialBatch: Sendable {
  /// What one transaction writes without keeping other writers waiting for long; 413 beyond.
  package static let maximumChanges = 1000

  struct Entry: Sendable {
    /// As it was sent; nil when it was no text.
    let externalId: String?
    let change: Result<CredentialChange, CredentialRefusal>
  }

  let entries: [Entry]

  init(entries: [Entry]) { self.entries = entries }

  package init(_ changes: [CredentialChange]) {
    entries = changes.map { Entry(externalId: $0.externalId, change: .success($0)) }
  }

  /// - Throws: `SCIMError` 400 when there is no list, 413 when it is too long.
  init(_ body: JSONValue) throws(SCIMError) {
    guard let list = body.object?["credentials"]?.array else {
      throw .invalidSyntax("The body must be an object with a list named credentials.")
    }
    guard list.count <= Self.maximumChanges else {
      throw .payloadTooLarge("There are \(list.count) credentials; at most \(Self.maximumChanges) are accepted.")
    }
    entries = list.map { value in
      guard let object = value.object else {
        return Entry(externalId: nil, change: .failure(.invalid("A credential must be an object.")))
      }
      let change: Result<CredentialChange, CredentialRefusal>
      do { change = .success(try CredentialChange(object)) } catch let error as CredentialRefusal {
        change = .failure(error)
      } catch { change = .failure(.invalid("The credential cannot be read.")) }
      return Entry(externalId: object["externalId"]?.string, change: change)
    }
  }
}

/// What became of one credential.
package struct CredentialResult: Sendable, Hashable {
  package enum Status: Sendable, Hashable {
    case stored, unchanged
    case refused(CredentialRefusal)
  }

  package let externalId: String?
  package let status: Status

  var json: JSONValue {
    var object: JSONObject = ["externalId": externalId.map { .string(String($0.prefix(256))) } ?? .null]
    switch status {
    case .stored: object["status"] = "stored"
    case .unchanged: object["status"] = "unchanged"
    case .refused(let refusal):
      object["status"] = "refused"
      object["reason"] = .string(refusal.reason.rawValue)
      object["detail"] = .string(refusal.detail)
    }
    return .object(object)
  }
}
