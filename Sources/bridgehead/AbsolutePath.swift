// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A path from the root, without `.` and `..`, whether it exists or not.
func absolutePath(_ path: String) -> String {
  var parts: [Substring] = []
  let full = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  for part in full.split(separator: "/") where part != "." {
    if part == ".." { _ = parts.popLast() } else { parts.append(part) }
  }
  return "/" + parts.joined(separator: "/")
}
