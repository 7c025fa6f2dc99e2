// SPDX-License-Identifier: Apache-2.0

/// A request that a message identifier is still to be found for.
struct SMBRequest: Sendable {
  var command: SMBCommand
  var body: any SMBBody
  var treeID: UInt32 = 0

  init(_ body: some SMBRequestBody, treeID: UInt32 = 0) {
    command = type(of: body).command
    self.body = body
    self.treeID = treeID
  }

  /// LOGOFF or TREE_DISCONNECT.
  init(ending command: SMBCommand, treeID: UInt32 = 0) {
    self.command = command
    body = EmptyBody()
    self.treeID = treeID
  }
}
