// SPDX-License-Identifier: Apache-2.0

package import RPC
package import Wire

/// A directory whose password hashes can be replicated.
package protocol PasswordSource: Sendable {
  /// The name of the import source that reads the same forest.
  var name: String { get }

  /// The import source's partitions: domains by their DNS names.
  func partitions() async throws -> [String]

  /// Connects to a controller of the domain.
  /// - Parameter server: the one that was read last; another one when it is not there.
  func open(_ partition: String, preferring server: String?) async throws -> any PasswordReading
}

/// A connection to one controller, for one pass.
package protocol PasswordReading: Closable {
  /// The controller's name.
  var server: String { get }

  /// The next page of changes since the position.
  func page(from position: PasswordPosition) async throws -> PasswordPage

  /// One account, whole; nil when the controller does not have it.
  /// - Parameter distinguishedName: as it was last seen; the identifier is what counts.
  func account(_ identifier: GUID, distinguishedName: String) async throws -> PasswordAccount?

  /// When the passwords of these accounts expire, ``FileTime/never`` included. Accounts that the controller does not tell
  /// it of are left out.
  func expiries(of identifiers: [GUID]) async throws -> [GUID: FileTime]

  /// How long the passwords of the domain live.
  func policy() async throws -> PasswordPolicy
}

/// How far a domain was read: a place in one controller's sequence of changes, and what is known of all controllers.
package struct PasswordPosition: Sendable, Hashable {
  package var server: String?
  /// The controller's database; ``usn`` means nothing to another one.
  package var invocation: GUID
  package var usn: USNVector
  package var known: UpToDateVector?

  package static let beginning = PasswordPosition(server: nil, invocation: .zero, usn: .zero, known: nil)

  package init(server: String?, invocation: GUID, usn: USNVector, known: UpToDateVector?) {
    self.server = server
    self.invocation = invocation
    self.usn = usn
    self.known = known
  }

  /// The same knowledge for another database: from its beginning, less what is known.
  var elsewhere: PasswordPosition { PasswordPosition(server: nil, invocation: .zero, usn: .zero, known: known) }
}

package struct PasswordPage: Sendable {
  package var accounts: [PasswordAccount]
  package var invocation: GUID
  package var next: USNVector
  /// Told with the last page.
  package var known: UpToDateVector?
  package var hasMore: Bool

  package init(
    accounts: [PasswordAccount], invocation: GUID, next: USNVector, known: UpToDateVector?, hasMore: Bool
  ) {
    self.accounts = accounts
    self.invocation = invocation
    self.next = next
    self.known = known
    self.hasMore = hasMore
  }
}

/// What a controller says of one account's password.
package struct PasswordAccount: Sendable {
  /// Which write of `unicodePwd` it is (MS-DRSR 5.11 `AttributeStamp`).
  package struct Version: Sendable, Hashable {
    package var number: UInt32
    /// Seconds since 1970.
    package var originated: Int64
    package var invocation: GUID

    package init(number: UInt32, originated: Int64, invocation: GUID) {
      self.number = number
      self.originated = originated
      self.invocation = invocation
    }
  }

  /// `objectGUID`.
  package var identifier: GUID
  /// Decrypts the NT hash, each time anew, into memory that is locked and wiped. Nil when the change told none.
  package var secret: (@Sendable () throws -> LockedSecret)?
  package var version: Version?
  /// The account has no password any more; ``version`` then tells which write took it away.
  package var isCleared = false
  /// `pwdLastSet`; nil when the change told none.
  package var lastSet: FileTime?

  package init(
    identifier: GUID, secret: (@Sendable () throws -> LockedSecret)?, version: Version?, lastSet: FileTime?
  ) {
    self.identifier = identifier
    self.secret = secret
    self.version = version
    self.lastSet = lastSet
  }

  /// MS-SAMR 3.1.5.14.7: zero means that the password must be changed at the next logon.
  var mustChange: Bool { lastSet?.ticks == 0 }
}
