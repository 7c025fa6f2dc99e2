// SPDX-License-Identifier: Apache-2.0

package import Wire

/// What an account may want to do to an object of the directory.
package enum ObjectAccess: Sendable, Hashable {
  /// An extended right, by its `rightsGuid` (MS-ADTS 5.1.3.2.1).
  case control(GUID)
  /// Writing a property, by its `schemaIDGUID`; the set is the one that the schema puts it in (MS-ADTS 3.1.1.2.3.3).
  case writeProperty(GUID, set: GUID?)
  /// Reading one.
  case readProperty(GUID, set: GUID?)
  /// What reading a confidential one takes besides (MS-ADTS 2.2.9 fCONFIDENTIAL).
  case readConfidential(GUID, set: GUID?)
  /// Being shown what stands below the object.
  case listContents

  fileprivate var mask: AccessMask {
    switch self {
    case .control, .readConfidential: .controlAccess
    case .writeProperty: .writeProperty
    case .readProperty: .readProperty
    case .listContents: .listContents
    }
  }

  fileprivate func isMeant(by type: GUID?) -> Bool {
    guard let type else { return true }
    return switch self {
    case .control(let right): type == right
    case .writeProperty(let property, let set), .readProperty(let property, let set),
      .readConfidential(let property, let set):
      type == property || type == set
    case .listContents: false
    }
  }
}

/// How an access check ended.
package enum AccessOutcome: Sendable, Hashable {
  case granted
  /// No entry gives it.
  case absent
  /// An entry takes it away.
  case denied
}

extension SecurityDescriptor {
  /// MS-ADTS 5.1.3.3: the first entry that is about the access and one of the account's identifiers decides.
  ///
  /// - Parameter token: the account and every group that it is in, as the domain controller tells them.
  package func outcome(of access: ObjectAccess, for token: Set<SecurityIdentifier>) -> AccessOutcome {
    guard let entries else { return .granted }
    for entry in entries
    where !entry.flags.contains(.inheritOnly) && token.contains(entry.trustee)
      && entry.mask.specific.contains(access.mask) && access.isMeant(by: entry.objectType)
    {
      return entry.isAllowing ? .granted : .denied
    }
    return .absent
  }
}
