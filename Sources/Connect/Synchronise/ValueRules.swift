// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import IdentityModel
import Wire

/// By which an object is recognised in the target for its whole life.
enum SourceAnchor {
  static let attribute = "mS-DS-ConsistencyGuid"

  /// `mS-DS-ConsistencyGuid` of a user where it is set, otherwise `objectGUID`; in base64.
  static func of(_ anchor: Anchor, kind: ObjectKind, attributes: Attributes) -> String {
    let consistency = attributes[attribute.lowercased()].first ?? []
    let bytes = kind == .user && !consistency.isEmpty ? consistency : anchor.bytes
    return Data(bytes).base64EncodedString()
  }
}

/// Whether an account may be used.
enum AccountState {
  /// MS-ADTS 2.2.16 `ADS_UF_ACCOUNT_DISABLE`.
  private static let accountDisable: Int64 = 0x2

  static func isDisabled(_ attributes: Attributes) -> Bool {
    guard let control = attributes.text("useraccountcontrol").flatMap({ Int64($0) }) else { return false }
    return control & accountDisable != 0
  }

  /// `msExchRecipientTypeDetails` of a mailbox whose account stands in another forest.
  private static let linkedMailbox = "2"

  static func isLinkedMailbox(_ attributes: Attributes) -> Bool {
    attributes.text("msexchrecipienttypedetails") == linkedMailbox
  }
}
