// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// The process's environment: read here and nowhere else.
enum Environment {
  static var current: [String: String] { ProcessInfo.processInfo.environment }
}
