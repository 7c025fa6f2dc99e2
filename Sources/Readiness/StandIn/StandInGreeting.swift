// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import PortReference
import Wire

/// What a stand-in says of itself to whoever knows the code.
package struct StandInGreeting: Sendable, Codable, Hashable {
  /// The role whose servers it stands in for.
  package var role: Role
  package var transport: Transport
  package var port: UInt16
  /// The rows that the port belongs to.
  package var rows: [RowID]
  /// The version of the product.
  package var product: String

  package init(role: Role, transport: Transport, port: UInt16, rows: [RowID], product: String) {
    self.role = role
    self.transport = transport
    self.port = port
    self.rows = rows
    self.product = product
  }

  func frame(clientNonce: [UInt8], serverNonce: [UInt8], with secret: StandInCode) throws -> StandInFrame {
    let text = Array(try StableJSON.encode(self))
    return StandInFrame(.greeting, secret.authenticate(Self.message(clientNonce, serverNonce, text)) + text)
  }

  /// Believes a greeting only when whoever made it knows the code and answers this very question.
  ///
  /// - Throws: ``StandInError``.
  init(_ body: [UInt8], clientNonce: [UInt8], serverNonce: [UInt8], with secret: StandInCode) throws(StandInError) {
    let text = Array(body.dropFirst(StandInFrame.codeBytes))
    guard body.count > StandInFrame.codeBytes,
      secret.isAuthentic(body.prefix(StandInFrame.codeBytes), Self.message(clientNonce, serverNonce, text))
    else {
      throw StandInError(
        .wrongCode, "Something answered in the stand-in's form without knowing the code.",
        remedy:
          "use the file that the stand-in was started with; if it is the same, something else answers in its place")
    }
    do {
      self = try JSONDecoder().decode(StandInGreeting.self, from: Data(text))
    } catch {
      throw StandInError(
        .malformed, "The stand-in's greeting is not understood.", remedy: "run the same version on both sides")
    }
  }

  private static func message(_ clientNonce: [UInt8], _ serverNonce: [UInt8], _ text: [UInt8]) -> [UInt8] {
    Array("stand-in".utf8) + [StandInFrame.version] + clientNonce + serverNonce + text
  }
}
