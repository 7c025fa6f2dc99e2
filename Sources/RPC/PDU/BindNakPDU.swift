// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The body of bind_nak (C706 12.6.4.5, MS-RPCE 2.2.2.5): why no association is made.
///
///     p_reject_reason_t provider_reject_reason; /* 16:02 */
///     p_rt_versions_supported_t versions;       /* 18:N */
package struct BindNakPDU: Sendable, Hashable {
  package var reason: UInt16

  package init(reason: UInt16) { self.reason = reason }

  package init(_ body: [UInt8]) throws(ByteError) {
    var reader = ByteReader(body)
    reason = try reader.readLittleEndian()
  }

  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.writeLittleEndian(reason)
    writer.write([1, 5, 0])
    return writer.bytes
  }

  /// C706 12.6.3.1 `p_reject_reason_t`; 8 and 9 from MS-RPCE 2.2.2.5.
  var words: String {
    switch reason {
    case 0: "no reason given"
    case 1: "it is congested for the moment"
    case 2: "a local limit is exceeded"
    case 3: "the called address is unknown"
    case 4: "the version of the protocol is not supported"
    case 8: "the authentication type is not supported"
    case 9: "the checksum of the authentication is invalid"
    default: "reason \(reason)"
    }
  }
}
