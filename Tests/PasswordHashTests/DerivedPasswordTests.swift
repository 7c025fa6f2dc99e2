// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import PasswordHash

@Suite struct NTHashTests {
  /// RFC 1320 A.5 for the empty string; the second is the hash of `password` that MS-NLMP's readers know; the third was
  /// computed with `iconv -t UTF-16LE | openssl dgst -md4 -provider legacy`: characters beyond ASCII and the BMP.
  @Test(arguments: [
    ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
    ("password", "8846f7eaee8fb117ad06bdd830b7586c"),
    ("Grüße😀", "f7618333d0e8d2ea517149820d636d4e"),
  ])
  func isMD4OfUTF16(_ password: String, _ expected: String) throws {
    let hash = try #require(NTHash(ofPassword: password))
    #expect(hash.bytes.withBytes { Hex.encode($0) } == expected)
  }

  @Test func refusesWhatNoPasswordCanBe() {
    #expect(NTHash(ofPassword: String(repeating: "ä", count: 256)) != nil)
    #expect(NTHash(ofPassword: String(repeating: "a", count: 257)) == nil)
    // Two units each.
    #expect(NTHash(ofPassword: String(repeating: "😀", count: 129)) == nil)
    #expect(NTHash([1, 2, 3]) == nil)
  }
}

@Suite struct DerivedPasswordTests {
  /// Computed with Python's hashlib from the published description: NT hash of `password`, salt 00 to 09.
  private static let vector =
    "v1;PPH1_MD4,00010203040506070809,1000,52baa8631e9b338e4800896113f174acbbfe422b2b8dd47e01a455a7fb8fb83c;"

  private func hash(_ password: String) throws -> NTHash { try #require(NTHash(ofPassword: password)) }

  @Test func derivesThePublishedForm() throws {
    let derived = try DerivedPassword(try hash("password"), salt: Array(0...9))
    #expect(derived.text == Self.vector)
  }

  @Test func verifies() throws {
    let derived = try DerivedPassword(parsing: Self.vector)
    #expect(try derived.matches(try hash("password")))
    #expect(try !derived.matches(try hash("Password")))
    #expect(try !derived.matches(try hash("")))
    #expect(derived.text == Self.vector)
  }

  @Test func differsBySalt() throws {
    let one = try DerivedPassword(try hash("x"), salt: Array(0...9))
    let other = try DerivedPassword(try hash("x"), salt: Array(1...10))
    #expect(one.text != other.text)
    #expect(throws: PasswordHashError.self) { try DerivedPassword(try hash("x"), salt: [1]) }
  }

  @Test func neverPrints() throws {
    let derived = try DerivedPassword(parsing: Self.vector)
    var dumped = ""
    dump(derived, to: &dumped)
    for text in ["\(derived)", String(reflecting: derived), dumped] {
      #expect(!text.contains("52baa8") && !text.contains("0001020304"))
    }
  }

  @Test(arguments: [
    "", ";", "v1;PPH1_MD4,;", "v1;PPH1_MD4,,,;", "v2;PPH1_MD4,00010203040506070809,1000,00;",
    vector.replacing(",1000,", with: ",1,"), vector.replacing(",1000,", with: ",99999999999999999999,"),
    vector.replacing("0001", with: "00"), vector.replacing("0001", with: "zz01"), String(vector.dropLast()),
    vector + vector, vector.replacing("52ba", with: "52b"), " " + vector, vector + "\n",
  ])
  func refusesEverythingElse(_ text: String) {
    let error = #expect(throws: PasswordHashError.self) { try DerivedPassword(parsing: text) }
    #expect(error?.code == .malformed)
    #expect(error.map { !"\($0)".contains("52baa8") } ?? false)
  }
}
