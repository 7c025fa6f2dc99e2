// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Wire

/// Decides which values an account is not shown, from what the directory tells of the object: a function over values.
struct HiddenValues: Sendable {
  /// What the schema says of an attribute.
  struct Property: Sendable, Hashable {
    /// `schemaIDGUID`.
    var identifier: GUID
    /// `attributeSecurityGUID`: the property set that it is in.
    var set: GUID?
    /// Reading it takes the right Control Access, too (MS-ADTS 2.2.9 fCONFIDENTIAL).
    var isConfidential = false
    /// Each change of it moves the object's `uSNChanged`: it is kept with the object, and replicated.
    var isCounted = true
  }

  /// An object that lost values.
  struct Object: Sendable {
    /// `uSNChanged`; nil when it is not shown.
    var sequence: Int64?
    /// Nil when the account may not read it.
    var descriptor: SecurityDescriptor?
  }

  /// The account and every group that it is in.
  let token: Set<SecurityIdentifier>
  /// By lower-case name.
  let properties: [String: Property]
  /// The update sequence number up to which the same server was read before; nil when it was another one.
  let last: Int64?

  /// What an object cannot be without (`mustContain` of the classes top, securityPrincipal and group in MS-ADSC, the name
  /// and its copy, and what MS-SAMR 3.1.1.8 keeps on accounts): nobody can have cleared it.
  static let mandatory: Set<String> = [
    "cn", "grouptype", "name", "objectclass", "objectguid", "objectsid", "samaccountname", "useraccountcontrol",
  ]

  /// Without these nobody knows whether a user may sign in, and who that is.
  static let ofUsers: Set<String> = ["samaccountname", "useraccountcontrol"]

  /// - Parameter object: nil when it was not found.
  func among(_ lost: Set<String>, of object: Object?) -> Set<String> {
    guard let object, let descriptor = object.descriptor else { return lost }
    var hidden = lost.filter { name in properties[name].map { !isReadable($0, descriptor) } ?? false }
    // An object without what it must have was not read as a whole, for a reason that its access list does not tell.
    guard lost.intersection(Self.mandatory).isSubset(of: hidden) else { return lost }
    if let last, let sequence = object.sequence, sequence <= last {
      // The server has not changed the object since it was read with these values (MS-ADTS 3.1.1.1.9).
      hidden.formUnion(lost.filter { properties[$0]?.isCounted == true })
    }
    return hidden
  }

  private func isReadable(_ property: Property, _ descriptor: SecurityDescriptor) -> Bool {
    var wanted = [ObjectAccess.readProperty(property.identifier, set: property.set)]
    if property.isConfidential { wanted.append(.readConfidential(property.identifier, set: property.set)) }
    return wanted.allSatisfy { descriptor.outcome(of: $0, for: token) == .granted }
  }

  /// Whether the account is shown what stands below a container.
  func isListed(_ container: Object?) -> Bool {
    container?.descriptor?.outcome(of: .listContents, for: token) == .granted
  }
}
