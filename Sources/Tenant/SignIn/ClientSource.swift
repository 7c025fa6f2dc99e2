// SPDX-License-Identifier: Apache-2.0

/// What failed attempts of one client are counted under: an IPv4 address, or the /64 of an IPv6 address, of which one client
/// has as many addresses as it likes (RFC 4291 2.5.4).
enum ClientSource {
  static let unknown = "unknown"

  static func of(_ address: String?) -> String {
    guard let address else { return unknown }
    guard address.contains(":") else { return address }
    let plain = address.prefix { $0 != "%" }
    // An IPv4 client of a dual-stack listener (RFC 4291 2.5.5.2).
    if let last = plain.split(separator: ":").last, last.contains("."), plain.lowercased().hasPrefix("::ffff:") {
      return String(last)
    }
    let halves = plain.lowercased().split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
    let groups = { (text: Substring) in text.split(separator: ":").map(String.init) }
    let head = halves.first.map { groups(Substring($0)) } ?? []
    let tail = halves.count == 2 ? groups(Substring(halves[1])) : []
    let zeros = halves.count == 2 ? max(0, 8 - head.count - tail.count) : 0
    let all = head + Array(repeating: "0", count: zeros) + tail
    let network = all.prefix(4).map { String($0.drop { $0 == "0" }) }.map { $0.isEmpty ? "0" : $0 }
    return network.joined(separator: ":") + "::/64"
  }
}
