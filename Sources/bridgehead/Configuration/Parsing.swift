// SPDX-License-Identifier: Apache-2.0

import Wire

extension Duration {
  /// `30s`, `15m`, `6h`, `7d`; nil for anything else, for zero and for more than ten years.
  init?(parsing text: String) {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), count > 0,
      count <= 315_360_000 / unit
    else { return nil }
    self = .seconds(count * unit)
  }
}

extension Endpoint {
  /// `host:port` or `[v6]:port`.
  init?(parsing text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65535).contains(port)
    else { return nil }
    var host = text[..<colon]
    if host.first == "[", host.last == "]" {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    guard !host.isEmpty else { return nil }
    self.init(host: String(host), port: port)
  }
}
