// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct ConnectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "connect", abstract: "The synchronisation server: from the forests to the cloud directory.",
    subcommands: [
      ConnectPreview.self, ConnectSync.self, ConnectRun.self, ConnectApprove.self, ConnectErrors.self,
      ConnectHistory.self, ConnectShowStatus.self, ConnectShow.self, ConnectRules.self,
      ConnectPasswords.self, ConnectWriteback.self, ConnectForest.self, ConnectSSO.self, ConnectSignIn.self,
      ConnectImportConfig.self,
    ])
}
