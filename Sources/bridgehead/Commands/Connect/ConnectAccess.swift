// SPDX-License-Identifier: Apache-2.0

import Connect
import Store
import SynchronisationRules

/// What the configuration file says of Connect, for its commands.
struct ConnectAccess {
  let configuration: Configuration
  private let file: String

  init(_ file: ConfigurationOption) throws {
    configuration = try ConfigurationLoader.load(file.config)
    self.file = file.config
  }

  /// The database alone, for commands that only look.
  func store() async throws -> SQLiteStore { try await ConnectRuntime.store(configuration, file: file) }

  /// What the engine is told, for commands that only look.
  func settings() throws -> ConnectConfiguration { try ConnectRuntime.settings(configuration, file: file) }

  /// Finds objects in the database; it needs no connection and no secret.
  ///
  /// - Parameter rules: others than those in force.
  func finder(rules: RuleSet? = nil) throws -> ObjectFinder {
    try ConnectRuntime.finder(configuration, file: file, rules: rules)
  }

  /// Connect with everything it works with, as the only run on its database.
  ///
  /// - Parameter purpose: the command, for whoever is refused meanwhile.
  func open(purpose: String, staging: Bool = false) async throws -> ConnectRuntime {
    try await ConnectRuntime.open(
      configuration, file: file, environment: Environment.current, purpose: purpose, staging: staging)
  }
}
