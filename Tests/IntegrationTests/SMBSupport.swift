// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kerberos
import Logging
import NIOCore
import NIOPosix
import SMB
import Synchronization
import Testing
import TestSupport
import Wire

/// Connections to the SMB server of the lab's first domain controller, whose configuration tests may change.
struct SMBLab {
  let kerberos: KerberosLab
  let flows = RecordedFlows()
  var forest: LabDescription.Forest { kerberos.forest }
  var controller: LabDescription.Controller { kerberos.controller }

  init() throws { kerberos = try KerberosLab() }

  var server: ServerAddress {
    ServerAddress(
      host: controller.host, address: controller.address, port: controller.ports["smb"] ?? SMBConnection.smbPort)
  }

  /// The plain account: pipes need no right that not every account has.
  func connect(
    _ account: LabDescription.Account? = nil, principal: ServicePrincipal? = nil,
    adjust: (inout SMBOptions) -> Void = { _ in }
  ) async throws -> SMBConnection {
    var options = SMBOptions()
    adjust(&options)
    let account = account ?? forest.plainAccount
    let provider = try kerberos.provider(principal: account.principal, password: try account.password())
    return try await SMBConnection.connect(
      to: server, provider: provider, principal: principal, flow: Flow(row: "connect-ad/smb", recorder: flows),
      options: options, logger: Logger(label: "smb"))
  }

  /// Runs the body while smb.conf has these lines more. Each new connection reads the file again when its time changed.
  func pinned<R>(_ lines: [String], _ body: () async throws -> R) async throws -> R {
    let path = "\(try #require(Lab.current).directory)/dc/\(controller.host)/etc/smb.conf"
    let original = try String(contentsOfFile: path, encoding: .utf8)
    let before = try modified(path)
    let section = "[global]\n"
    let added = original.replacingOccurrences(of: section, with: section + lines.map { "\t\($0)\n" }.joined())
    try #require(added != original || lines.isEmpty)
    try added.write(toFile: path, atomically: false, encoding: .utf8)
    // Seconds count, and tests are quicker than that: each pinning gets a time that none had.
    try setModified(path, Pinning.nextTime())
    defer {
      try? original.write(toFile: path, atomically: false, encoding: .utf8)
      try? setModified(path, before)
    }
    return try await body()
  }

  private func modified(_ path: String) throws -> Date {
    try #require(try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date)
  }

  private func setModified(_ path: String, _ time: Date) throws {
    try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: path)
  }

  /// A bind of SAMR 1.0 without authentication (C706 12.6.4.3): what comes back proves that the pipe leads to the service.
  static let bind: [UInt8] = {
    var writer = ByteWriter()
    writer.write([5, 0, 11, 3, 0x10, 0, 0, 0])
    for value in [72, 0] as [UInt16] { writer.writeLittleEndian(value) }
    writer.writeLittleEndian(UInt32(1))
    for value in [4280, 4280] as [UInt16] { writer.writeLittleEndian(value) }
    writer.writeLittleEndian(UInt32(0))
    writer.write([1, 0, 0, 0, 0, 0, 1, 0])
    writer.write(GUID("12345778-1234-abcd-ef00-0123456789ac")?.bytes ?? [])
    writer.writeLittleEndian(UInt32(1))
    writer.write(GUID("8a885d04-1ceb-11c9-9fe8-08002b104860")?.bytes ?? [])
    writer.writeLittleEndian(UInt32(2))
    return writer.bytes
  }()

  /// PTYPE of a bind_ack.
  static let bindAck: UInt8 = 12
}

/// Times for files, each used once: well before anything that really happens.
private enum Pinning {
  private static let counter = Mutex(0)

  static func nextTime() -> Date {
    let number = counter.withLock { counter in
      counter += 1
      return counter
    }
    return Date(timeIntervalSince1970: 1_000_000_000 + Double(number) * 10)
  }
}

extension SMBLab {
  /// Sends bytes on a plain socket and reads until the answer is whole.
  func exchange<Answer>(_ question: [UInt8], _ read: ([UInt8]) throws -> Answer?) async throws -> Answer {
    let stream = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: server.address, port: server.port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await stream.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(bytes: question))
      var received: [UInt8] = []
      for try await part in inbound {
        received += part.readableBytesView
        if let answer = try read(received) { return answer }
      }
      throw CancellationError()
    }
  }
}

extension SMBLab {
  private var administrator: String { String(forest.administrator.principal.prefix { $0 != "@" }) }

  /// Runs samba-tool against the controller as the domain's administrator.
  @discardableResult
  func sambaTool(_ arguments: String...) throws -> String {
    let (code, output) = try kerberos.run(
      "samba-tool",
      arguments + [
        "-H", "ldap://\(controller.address)", "-U", administrator, "-W", forest.netbios, "--use-kerberos=off",
        "--configfile=/dev/null",
      ], environment: ["PASSWD_FILE": forest.administrator.passwordFile])
    try #require(code == 0, "\(arguments.joined(separator: " ")): \(output)")
    return output
  }

  func sid(of account: String) throws -> String {
    let output = try sambaTool("user", "show", account, "--attributes=objectSid")
    let line = try #require(output.split(separator: "\n").first { $0.hasPrefix("objectSid: ") })
    return String(line.dropFirst("objectSid: ".count))
  }

  /// How many computers each account may create without a right (MS-ADA2 2.387).
  func setMachineQuota(_ number: Int) throws {
    let change = """
      dn: \(forest.baseDN)
      changetype: modify
      replace: ms-DS-MachineAccountQuota
      ms-DS-MachineAccountQuota: \(number)

      """
    let (code, output) = try kerberos.run(
      "bash",
      [
        "-c", #"exec ldapmodify -x -H "$0" -D "$1" -y <(tr -d '\n' <"$2")"#, "ldaps://\(controller.address)",
        "\(forest.netbios)\\\(administrator)", forest.administrator.passwordFile,
      ], input: change, environment: ["LDAPTLS_REQCERT": "never"])
    try #require(code == 0, "\(output)")
  }
}
