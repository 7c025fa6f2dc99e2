// SPDX-License-Identifier: Apache-2.0

/// Says what bytes are that were not expected.
package enum AnswerSummary {
  /// Bytes that a summary quotes.
  private static let quoted = 48

  /// The first bytes: printable ASCII as it is, the rest as dots, with their number.
  package static func text(_ bytes: [UInt8]) -> String {
    guard !bytes.isEmpty else { return "no bytes" }
    let shown = bytes.prefix(quoted).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: ".") }
    return "\(bytes.count) bytes: \"\(String(decoding: shown, as: UTF8.self))\(bytes.count > quoted ? "…" : "")\""
  }

  /// The protocol that the bytes belong to, by their first ones; nil when none is recognised.
  package static func protocolName(_ bytes: [UInt8]) -> String? {
    marks.first { mark in
      bytes.count >= mark.offset + mark.bytes.count && bytes[mark.offset...].starts(with: mark.bytes)
    }?
    .name
  }

  private static let marks: [(name: String, offset: Int, bytes: [UInt8])] = [
    ("SSH", 0, Array("SSH-".utf8)),
    ("HTTP", 0, Array("HTTP/".utf8)),
    ("HTTP", 0, Array("<!DOCTYPE".utf8)),
    ("HTTP", 0, Array("<html".utf8)),
    ("SMTP or FTP", 0, Array("220 ".utf8)),
    ("SMTP or FTP", 0, Array("220-".utf8)),
    ("IMAP", 0, Array("* OK".utf8)),
    ("POP3", 0, Array("+OK".utf8)),
    // RFC 8446 5.1: an alert or handshake record of TLS 1.0 to 1.3.
    ("TLS", 0, [0x15, 0x03]),
    ("TLS", 0, [0x16, 0x03]),
    // MS-SMB2 2.2.1 and MS-CIFS 2.2.3.1, behind the four bytes of the transport.
    ("SMB", 4, [0xfe, 0x53, 0x4d, 0x42]),
    ("SMB", 4, [0xff, 0x53, 0x4d, 0x42]),
    // C706 12.6.3.1: rpc_vers 5, rpc_vers_minor 0.
    ("DCE/RPC", 0, [0x05, 0x00]),
    ("VNC", 0, Array("RFB 0".utf8)),
  ]
}

extension ConversationLog {
  /// Records bytes that are not of the row's protocol.
  package func observeWrongAnswer(_ bytes: [UInt8]) {
    if StandInDialogue.isBanner(bytes) {
      return observe(.standInUnproved("what it says on its own is no proof; the check needs its code"))
    }
    observe(.wrongAnswer(recognised: AnswerSummary.protocolName(bytes), summary: AnswerSummary.text(bytes)))
  }
}
