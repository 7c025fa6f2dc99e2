// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import PasswordHash
import SCIM
import Wire

/// What Active Directory says about a user's password, as Connect sends it.
///
/// The request is `PATCH /tenant/credentials` with a bearer token of the scope `credentials` and a body of
/// `application/json`, at most ``CredentialBatch/maximumChanges`` of them:
///
/// ```json
/// {"credentials": [
///   {"externalId": "vGmHQrvYPkO…",                 the user's externalId, as SCIM has it
///    "value": "v1;PPH1_MD4,0001…,1000,52ba…;",     the derived value; null to forget the password
///    "version": 3,                                 replication metadata of unicodePwd: dwVersion,
///    "originated": "2026-05-01T08:00:00Z",         timeChanged,
///    "invocationId": "6f9f…-…",                    and uuidDsaOriginating
///    "passwordLastSet": "2026-05-01T08:00:00Z",    pwdLastSet; null or absent when it is 0
///    "mustChange": false,                          must be changed at the next logon
///    "passwordExpires": null}]}                    when it expires; null or absent for never
/// ```
///
/// The answer is 200 with a result for each, in the same order:
///
/// ```json
/// {"results": [{"externalId": "vGmHQrvYPkO…", "status": "stored"}]}
/// ```
///
/// `status` is `stored`; `unchanged` when the tenant has this version already; or `refused`, then with a `reason`
/// (`older`: the tenant has a newer version; `unknownUser`: no live user has the externalId; `invalid`) and a `detail`
/// for people. A password can also be forgotten that belongs to a deleted user. With an equal version, what is said about change and expiry is taken over and counts as `stored`.
/// The request as a whole fails with SCIM's error body: 400 for no such object, 401, 403, 413 for too many, 429, 503.
package struct CredentialChange: Sendable {
  package let externalId: String
  /// Nil to forget the password.
  package let value: DerivedPassword?
  package private(set) var version: ReplicatedVersion
  package let policy: CredentialPolicy
  /// Nothing but the time of the change is known.
  let isDated: Bool

  package init(externalId: String, value: DerivedPassword?, version: ReplicatedVersion, policy: CredentialPolicy) {
    self.externalId = externalId
    self.value = value
    self.version = version
    self.policy = policy
    isDated = false
  }

  /// A change of which only the time is known. Two within one second cannot be told apart.
  init(externalId: String, value: DerivedPassword, changed: Date, policy: CredentialPolicy) {
    self.externalId = externalId
    self.value = value
    self.policy = policy
    version = ReplicatedVersion(version: 0, originated: changed.milliseconds, invocation: .zero)
    isDated = true
  }

  /// The change with a version that compares with the one that is known, by time where there is nothing else.
  func compared(with known: ReplicatedVersion?) -> CredentialChange {
    guard isDated, let known else { return self }
    var change = self
    change.version =
      version.originated == known.originated
      ? known : ReplicatedVersion(version: known.version, originated: version.originated, invocation: .zero)
    return change
  }

  /// - Throws: ``CredentialRefusal`` `invalid`, which names the member and never repeats a value.
  init(_ object: JSONObject) throws {
    isDated = false
    guard let externalId = object["externalId"]?.string, !externalId.isEmpty, externalId.utf8.count <= 256 else {
      throw CredentialRefusal.invalid("externalId must be a text of at most 256 bytes.")
    }
    self.externalId = externalId
    switch object["value"] {
    case .null: value = nil
    case .string(let text):
      do { value = try DerivedPassword(parsing: text) } catch { throw CredentialRefusal.invalid(error.message) }
    default: throw CredentialRefusal.invalid("value must be a derived password or null.")
    }
    guard let number = object["version"]?.integer, let number = UInt32(exactly: number) else {
      throw CredentialRefusal.invalid("version must be a number from 0 to 4294967295.")
    }
    guard let invocation = object["invocationId"]?.string.flatMap({ GUID($0) }) else {
      throw CredentialRefusal.invalid("invocationId must be a GUID.")
    }
    guard let originated = try Self.time("originated", object) else {
      throw CredentialRefusal.invalid("originated must be a time.")
    }
    version = ReplicatedVersion(version: number, originated: originated.milliseconds, invocation: invocation)
    policy = CredentialPolicy(
      lastSet: try Self.time("passwordLastSet", object), mustChange: try Self.flag("mustChange", object),
      expires: try Self.time("passwordExpires", object))
  }

  private static func time(_ name: String, _ object: JSONObject) throws -> Date? {
    switch object[name] {
    case nil, .null: return nil
    case .string(let text):
      if let date = SCIMDateTime.parse(text) { return date }
    default: break
    }
    throw CredentialRefusal.invalid("\(name) must be a time such as 2026-05-01T08:00:00Z, or null.")
  }

  private static func flag(_ name: String, _ object: JSONObject) throws -> Bool {
    switch object[name] {
    case nil: return false
    case .bool(let flag): return flag
    default: throw CredentialRefusal.invalid("\(name) must be true or false.")
    }
  }
}

/// What the directory demands of a password beside being right.
package struct CredentialPolicy: Sendable, Hashable {
  /// `pwdLastSet`; nil when it is 0.
  package var lastSet: Date?
  /// Must be changed at the next sign-in.
  package var mustChange: Bool
  /// Nil for never.
  package var expires: Date?

  package init(lastSet: Date? = nil, mustChange: Bool = false, expires: Date? = nil) {
    self.lastSet = lastSet
    self.mustChange = mustChange
    self.expires = expires
  }
}

/// Why one credential was not taken.
package struct CredentialRefusal: Error, Sendable, Hashable {
  package enum Reason: String, Sendable {
    case older, unknownUser, invalid
  }

  package let reason: Reason
  package let detail: String

  static func invalid(_ detail: String) -> CredentialRefusal { CredentialRefusal(reason: .invalid, detail: detail) }
}
