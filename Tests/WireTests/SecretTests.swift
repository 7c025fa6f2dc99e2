// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing
import Wire

@Suite struct SecretTests {
  private func withFile(_ content: [UInt8], mode: Int = 0o600, _ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.path + "/secret-\(UUID().uuidString)"
    #expect(
      FileManager.default.createFile(
        atPath: path, contents: Data(content), attributes: [.posixPermissions: mode]))
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  private func text(_ secret: SecretBytes) -> String {
    secret.withBytes { String(decoding: $0, as: UTF8.self) }
  }

  @Test func lineBreaksAtTheEndAreNotPartOfIt() throws {
    try withFile(Array("pass word\r\n\n".utf8)) { path in
      let secret = try SecretFile.read(path)
      #expect(text(secret) == "pass word")
    }
  }

  @Test func itNeverPrints() {
    let secret = SecretBytes(Array("hunter2".utf8))
    #expect(!"\(secret)".contains("hunter2"))
    var dumped = ""
    dump(secret, to: &dumped)
    #expect(!dumped.contains("hunter2"))
  }

  @Test func filesThatOthersReadAreRefused() throws {
    try withFile(Array("x".utf8), mode: 0o644) { path in
      let error = #expect(throws: SecretFileError.self) { try SecretFile.read(path) }
      #expect(error?.remedy == "run: chmod 600 \(path)")
    }
  }

  /// Whoever may read it and cannot is not told that it is empty: /proc/self/mem has nothing at its beginning (proc(5)).
  @Test func aReadErrorIsNotTheEnd() throws {
    let error = #expect(throws: SecretFileError.self) { try SecretFile.read("/proc/self/mem") }
    #expect(error?.cause == .unreadable)
    #expect(error?.message.contains("cannot be read: Input/output error") == true)
  }

  @Test func filesOfLibrariesAreExaminedAlike() throws {
    try withFile(Array("x".utf8), mode: 0o640) { path in try SecretFile.examine(path, "keytab") }
    try withFile(Array("x".utf8), mode: 0o604) { path in
      let error = #expect(throws: SecretFileError.self) { try SecretFile.examine(path, "keytab") }
      #expect(error?.cause == .exposed)
      #expect(error?.message == "The keytab \(path) is open to everyone on this machine (mode 604).")
    }
    #expect(#expect(throws: SecretFileError.self) { try SecretFile.examine("/none", "keytab") }?.cause == .missing)
    #expect(#expect(throws: SecretFileError.self) { try SecretFile.examine("/dev", "keytab") }?.cause == .notRegular)
  }

  @Test func secretsAreEqualWhenEveryByteIs() {
    let secret = [UInt8](0..<32)
    #expect(ConstantTime.equal(secret, secret[...]))
    for index in secret.indices {
      var other = secret
      other[index] ^= 0x80
      #expect(!ConstantTime.equal(secret, other))
    }
    // What is stored as nothing matches nothing.
    #expect(!ConstantTime.equal(secret, []) && !ConstantTime.equal([], secret))
    #expect(!ConstantTime.equal(secret, secret.dropLast()))
  }

  @Test func wipingReachesEveryByte() {
    var units = [UInt16](repeating: 0xffff, count: 9)
    Zeroing.wipe(&units)
    #expect(units == [UInt16](repeating: 0, count: 9))
  }

  @Test func emptyLargeMissingAndSpecialFilesAreRefused() throws {
    try withFile([0x0a]) { path in #expect(throws: SecretFileError.self) { try SecretFile.read(path) } }
    try withFile([UInt8](repeating: 1, count: SecretFile.maximumBytes + 1)) { path in
      #expect(throws: SecretFileError.self) { try SecretFile.read(path) }
    }
    #expect(throws: SecretFileError.self) { try SecretFile.read("/nonexistent") }
    #expect(throws: SecretFileError.self) { try SecretFile.read("/dev/zero") }
    #expect(throws: SecretFileError.self) { try SecretFile.read("/") }
  }
}
