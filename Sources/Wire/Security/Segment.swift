// SPDX-License-Identifier: Apache-2.0

/// One stretch of a PDU and what a security context does with it: a buffer of `GSS_WrapIov`
/// (draft-ietf-kitten-gssapi-extensions-iov), the message arguments of `GSS_WrapEx` (MS-RPCE 3.3.1.5.2.2).
package struct Segment: Sendable, Hashable {
  package enum Treatment: Sendable, Hashable {
    /// Encrypted in place, and covered by the token (`GSS_IOV_BUFFER_TYPE_DATA`).
    case sealed
    /// Left as it is, and covered by the token (`GSS_IOV_BUFFER_TYPE_SIGN_ONLY`).
    case signed
  }
  package let treatment: Treatment
  /// Offsets into the PDU.
  package let range: Range<Int>

  package static func sealed(_ range: Range<Int>) -> Segment { Segment(treatment: .sealed, range: range) }
  package static func signed(_ range: Range<Int>) -> Segment { Segment(treatment: .signed, range: range) }

  /// Whether the segments lie within a buffer of `count` bytes, in order and without overlap.
  package static func areOrdered(_ segments: [Segment], within count: Int) -> Bool {
    var end = 0
    for segment in segments {
      guard segment.range.lowerBound >= end, segment.range.upperBound <= count else { return false }
      end = segment.range.upperBound
    }
    return true
  }
}
