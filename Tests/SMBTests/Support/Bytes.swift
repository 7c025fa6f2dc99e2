// SPDX-License-Identifier: Apache-2.0

import Foundation
import Wire

@testable import SMB

func hex(_ text: String) -> [UInt8] { Hex.decode(text.filter(\.isHexDigit)) ?? [] }

enum Samples {
  static let guid = GUID("3f2504e0-4f89-11d3-9a0c-0305e82c3301")!
  static let file = FileID(persistent: 0x0102_0304_0506_0708, volatile: 0x1112_1314_1516_1718)

  static let negotiateRequest = SMBOffer().request(clientGUID: guid, salt: [UInt8](repeating: 9, count: 32))
  static let negotiateResponse = NegotiateResponse(
    securityMode: [.signingEnabled, .signingRequired], dialect: Dialect.smb311.rawValue, serverGUID: guid,
    systemTime: FileTime(ticks: 132_000_000_000_000_000), securityToken: [0x60, 1, 2],
    contexts: [
      .preauthenticationIntegrity(hashes: [1], salt: [1, 2, 3]), .encryption([2]), .signing([2]),
      .other(type: 99, data: [1]),
    ])

  /// One message of each kind, requests and responses.
  static let messages: [SMBMessage] = {
    func message(_ command: SMBCommand, _ body: some SMBBody, response: Bool, status: NTStatus = .success) -> SMBMessage
    {
      var header = SMBHeader(command, messageID: 5)
      if response { header.flags = .response }
      header.status = status
      header.sessionID = 0x1000
      header.treeID = 7
      header.credits = 3
      return SMBMessage(header, body)
    }
    var pending = SMBHeader(.ioctl, messageID: 6)
    pending.flags = [.response, .asynchronous]
    pending.asyncID = 77
    pending.status = .pending
    return [
      message(.negotiate, negotiateRequest, response: false), message(.negotiate, negotiateResponse, response: true),
      message(
        .sessionSetup, SessionSetupRequest(securityMode: .signingEnabled, securityToken: [1, 2]), response: false),
      message(.sessionSetup, SessionSetupResponse(flags: .guest, securityToken: [3, 4, 5]), response: true),
      message(.treeConnect, TreeConnectRequest(path: #"\\dc1.corp.example\IPC$"#), response: false),
      message(.treeConnect, TreeConnectResponse(shareType: 2, flags: .encryptData), response: true),
      message(.create, CreateRequest(name: "samr"), response: false),
      message(.create, CreateResponse(file: file), response: true),
      message(
        .ioctl, IoctlRequest(control: .pipeTransceive, file: file, input: [1, 2, 3], maximumOutput: 4280),
        response: false),
      message(.ioctl, IoctlResponse(control: .pipeTransceive, file: file, output: [4, 5]), response: true),
      message(.read, ReadRequest(file: file, length: 4280), response: false),
      message(.read, ReadResponse(data: [1, 2, 3, 4]), response: true),
      message(.write, WriteRequest(file: file, data: [8, 9]), response: false),
      message(.write, WriteResponse(count: 2), response: true),
      message(.close, CloseRequest(file: file), response: false), message(.close, CloseResponse(), response: true),
      message(.logoff, EmptyBody(), response: true),
      message(.create, ErrorResponse(), response: true, status: .accessDenied),
      SMBMessage(pending, ErrorResponse(data: [1])),
    ]
  }()

  /// Reads a message's body and encodes it again.
  static func recode(_ message: SMBMessage) throws -> [UInt8] {
    let header = message.header
    let isResponse = header.flags.contains(.response)
    if isResponse, header.status != .success { return SMBMessage(header, try ErrorResponse(message)).bytes }
    switch (header.command, isResponse) {
    case (.negotiate, false): return SMBMessage(header, try NegotiateRequest(message)).bytes
    case (.negotiate, true): return SMBMessage(header, try NegotiateResponse(message)).bytes
    case (.sessionSetup, false): return SMBMessage(header, try SessionSetupRequest(message)).bytes
    case (.sessionSetup, true): return SMBMessage(header, try SessionSetupResponse(message)).bytes
    case (.treeConnect, false): return SMBMessage(header, try TreeConnectRequest(message)).bytes
    case (.treeConnect, true): return SMBMessage(header, try TreeConnectResponse(message)).bytes
    case (.create, false): return SMBMessage(header, try CreateRequest(message)).bytes
    case (.create, true): return SMBMessage(header, try CreateResponse(message)).bytes
    case (.ioctl, false): return SMBMessage(header, try IoctlRequest(message)).bytes
    case (.ioctl, true): return SMBMessage(header, try IoctlResponse(message)).bytes
    case (.read, false): return SMBMessage(header, try ReadRequest(message)).bytes
    case (.read, true): return SMBMessage(header, try ReadResponse(message)).bytes
    case (.write, false): return SMBMessage(header, try WriteRequest(message)).bytes
    case (.write, true): return SMBMessage(header, try WriteResponse(message)).bytes
    case (.close, false): return SMBMessage(header, try CloseRequest(message)).bytes
    case (.close, true): return SMBMessage(header, try CloseResponse(message)).bytes
    default: return SMBMessage(header, try EmptyBody(message)).bytes
    }
  }
}
