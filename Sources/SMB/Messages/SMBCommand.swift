// SPDX-License-Identifier: Apache-2.0

/// MS-SMB2 2.2.1.2 `Command`.
enum SMBCommand: UInt16, Sendable, CaseIterable {
  case negotiate = 0
  case sessionSetup
  case logoff
  case treeConnect
  case treeDisconnect
  case create
  case close
  case flush
  case read
  case write
  case lock
  case ioctl
  case cancel
  case echo
  case queryDirectory
  case changeNotify
  case queryInfo
  case setInfo
  case oplockBreak
}
