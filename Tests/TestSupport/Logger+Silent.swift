// SPDX-License-Identifier: Apache-2.0

package import Logging

extension Logger {
  /// For what a test does not want to read.
  package static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
