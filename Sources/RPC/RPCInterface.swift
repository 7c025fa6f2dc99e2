// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A remote interface: what a bind asks for and the endpoint mapper is asked about.
package struct RPCInterface: Sendable, Hashable, CustomStringConvertible {
  /// The short name that Microsoft's documents use, for messages.
  package let name: String
  package let syntax: SyntaxIdentifier

  package var description: String { name }

  private init(name: String, syntax: SyntaxIdentifier) {
    self.name = name
    self.syntax = syntax
  }

  /// An interface that is not among those below.
  package init(name: String, _ identifier: GUID, version: UInt16) {
    self.init(name: name, syntax: SyntaxIdentifier(identifier, version))
  }

  /// C706 appendix O: the endpoint mapper, e1af8308-5d1f-11c9-91a4-08002b14a0fa v3.0.
  package static let endpointMapper = RPCInterface(
    name: "epmapper", syntax: SyntaxIdentifier(GUID(words: 0x0883_afe1_1f5d_c911, 0x91a4_0800_2b14_a0fa), 3))
  /// MS-DRSR 1.9: e3514235-4b06-11d1-ab04-00c04fc2dcd2 v4.0.
  package static let drsuapi = RPCInterface(
    name: "drsuapi", syntax: SyntaxIdentifier(GUID(words: 0x3542_51e3_064b_d111, 0xab04_00c0_4fc2_dcd2), 4))
  /// MS-LSAD 1.9: 12345778-1234-abcd-ef00-0123456789ab v0.0.
  package static let lsarpc = RPCInterface(
    name: "lsarpc", syntax: SyntaxIdentifier(GUID(words: 0x7857_3412_3412_cdab, 0xef00_0123_4567_89ab), 0))
  /// MS-SAMR 1.9: 12345778-1234-abcd-ef00-0123456789ac v1.0.
  package static let samr = RPCInterface(
    name: "samr", syntax: SyntaxIdentifier(GUID(words: 0x7857_3412_3412_cdab, 0xef00_0123_4567_89ac), 1))
  /// MS-NRPC 1.9: 12345678-1234-abcd-ef00-01234567cffb v1.0.
  package static let netlogon = RPCInterface(
    name: "netlogon", syntax: SyntaxIdentifier(GUID(words: 0x7856_3412_3412_cdab, 0xef00_0123_4567_cffb), 1))
}
