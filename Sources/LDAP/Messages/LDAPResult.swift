// SPDX-License-Identifier: Apache-2.0

import Wire

/// RFC 4511 4.1.9:
///
///     LDAPResult ::= SEQUENCE {
///          resultCode         ENUMERATED { ... },
///          matchedDN          LDAPDN,
///          diagnosticMessage  LDAPString,
///          referral           [3] Referral OPTIONAL }
package struct LDAPResult: Sendable, Hashable {
  package var code: ResultCode
  package var matchedDN: String
  package var diagnosticMessage: String
  package var referrals: [String]

  package init(
    _ code: ResultCode, matchedDN: String = "", diagnosticMessage: String = "", referrals: [String] = []
  ) {
    self.code = code
    self.matchedDN = matchedDN
    self.diagnosticMessage = diagnosticMessage
    self.referrals = referrals
  }

  /// Reads the components; they stand inline in each response.
  init(_ reader: inout BERReader) throws(ByteError) {
    code = ResultCode(rawValue: try reader.readCount(BERTag.enumerated))
    matchedDN = try reader.readString()
    diagnosticMessage = try reader.readString()
    referrals = []
    if reader.nextTag == BERTag.context(3, constructed: true) {
      var list = try reader.enter(BERTag.context(3, constructed: true))
      while !list.isAtEnd { referrals.append(try list.readString()) }
    }
  }

  func encode(into writer: inout BERWriter) {
    writer.integer(code.rawValue, BERTag.enumerated)
    writer.string(matchedDN)
    writer.string(diagnosticMessage)
    if !referrals.isEmpty {
      writer.constructed(BERTag.context(3, constructed: true)) { list in
        for referral in referrals { list.string(referral) }
      }
    }
  }
}
