// SPDX-License-Identifier: Apache-2.0

/// Where everything of a lab lies. Nothing outside of this directory is ever written, except the cache.
struct LabDirectory: Sendable {
  /// Absolute.
  let path: String

  /// Samba puts its sockets below a controller's directory, and a socket's path has at most 107 bytes (unix(7)); this much of
  /// it is Samba's own (`/run/ncalrpc/EPMAPPER`, `/private/msg.sock/4194304`, `/private/ldap_priv/ldapi`).
  static let socketPathLimit = 107
  static let longestSambaSuffix = 32

  var description: String { path + "/lab.json" }
  var optionsFile: String { path + "/options.json" }
  var kerberosConfiguration: String { path + "/krb5.conf" }
  var hosts: String { path + "/hosts" }
  var resolver: String { path + "/resolv.conf" }
  var scripts: String { path + "/scripts" }
  var logs: String { path + "/logs" }
  var records: String { path + "/run" }
  var authority: String { path + "/ca" }
  var certificates: String { path + "/certificates" }

  var controllers: String { path + "/dc" }
  func controller(_ fqdn: String) -> String { "\(controllers)/\(fqdn)" }
  func controllerResolver(_ fqdn: String) -> String { "\(controller(fqdn))/etc/resolv.conf" }
  func secrets(_ forest: String) -> String { "\(path)/secrets/\(forest)" }

  func checkLength(_ plans: [ForestPlan]) throws(LabError) {
    for controller in plans.flatMap(\.controllers) {
      let longest = self.controller(controller.fqdn).utf8.count + Self.longestSambaSuffix
      guard longest <= Self.socketPathLimit else {
        throw LabError(
          .pathTooLong,
          "The directory \(path) is too long a name: the sockets of \(controller.fqdn) would have \(longest) bytes of path.",
          remedy: "Choose a directory whose path is at least \(longest - Self.socketPathLimit) bytes shorter.")
      }
    }
  }
}
