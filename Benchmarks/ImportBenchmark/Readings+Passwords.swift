// SPDX-License-Identifier: Apache-2.0

import Connect
import PasswordHash
import Wire

extension Readings {
  /// Every password hash, as a first pass reads them: locator, endpoint mapper, sealed association, pages; each hash is
  /// decrypted into memory of its own and wiped. Counted are the hashes.
  func hashes(_ name: String) async throws -> Measurement {
    let source = try peer.passwordSource()
    let partitions = try await source.partitions()
    return try await Measurement.take(name) {
      var count = 0
      for partition in partitions {
        let reading = try await source.open(partition, preferring: nil)
        var position = PasswordPosition.beginning
        var hasMore = true
        while hasMore {
          let page = try await reading.page(from: position)
          for account in page.accounts {
            guard let secret = account.secret else { continue }
            _ = try secret()
            count += 1
          }
          position = PasswordPosition(
            server: reading.server, invocation: page.invocation, usn: page.next, known: page.known)
          hasMore = page.hasMore
        }
        await reading.close()
      }
      return (count, 0)
    }
  }

  /// What is sent instead of hashes, as a pass derives it.
  static func derive(_ name: String, count: Int) async throws -> Measurement {
    try await Measurement.take(name) {
      let values = await AllCores.map(Array(0..<count)) { number -> Bool in
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<NTHash.byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        guard let hash = NTHash(bytes) else { return false }
        let salt = (0..<DerivedPassword.saltBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return (try? DerivedPassword(hash, salt: salt).text) != nil
      }
      guard values.allSatisfy({ $0 }) else { throw Failure("a value was not derived") }
      return (values.count, 0)
    }
  }
}
