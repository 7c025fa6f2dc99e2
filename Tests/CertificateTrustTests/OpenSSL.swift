// SPDX-License-Identifier: Apache-2.0

import Foundation
import SwiftASN1
import X509

/// The openssl program as a judge of our verdicts.
enum OpenSSL {
  static let path = "/usr/bin/openssl"

  /// False where the program is missing; the reason is printed.
  static let isPresent: Bool = {
    let present = FileManager.default.isExecutableFile(atPath: path)
    if !present { print("skipped: \(path) is not installed, so its verdicts are not compared with ours") }
    return present
  }()

  struct Result {
    var status: Int32
    var text: String
  }

  static func run(_ arguments: [String]) throws -> Result {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Result(status: process.terminationStatus, text: String(decoding: data, as: UTF8.self))
  }

  /// `openssl verify` of a leaf with revocation checking of the leaf.
  static func verify(
    leaf: Certificate, roots: [Certificate], untrusted: [Certificate], lists: [[UInt8]], host: String?, at date: Date,
    options: [String]
  ) throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("bridgehead-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    func write(_ name: String, _ documents: [PEMDocument]) throws -> String {
      let file = directory.appendingPathComponent(name)
      try (documents.map(\.pemString).joined(separator: "\n") + "\n").write(to: file, atomically: true, encoding: .utf8)
      return file.path
    }
    func certificates(_ list: [Certificate]) throws -> [PEMDocument] { try list.map { try $0.serializeAsPEM() } }
    var arguments = [
      "verify", "-attime", String(Int(date.timeIntervalSince1970)), "-purpose", "sslserver",
      "-CAfile", try write("roots.pem", certificates(roots)),
    ]
    if let host { arguments += ["-verify_hostname", host] }
    if !untrusted.isEmpty { arguments += ["-untrusted", try write("untrusted.pem", certificates(untrusted))] }
    for (index, list) in lists.enumerated() {
      arguments += ["-CRLfile", try write("list\(index).pem", [PEMDocument(type: "X509 CRL", derBytes: list)])]
    }
    return try run(arguments + options + [try write("leaf.pem", certificates([leaf]))])
  }
}
