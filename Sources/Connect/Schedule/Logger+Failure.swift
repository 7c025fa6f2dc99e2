// SPDX-License-Identifier: Apache-2.0

import Logging
import Wire

extension Logger {
  /// A failure that ends no service: what happened, under which name, and what helps.
  ///
  /// - Parameters:
  ///   - message: for an error that does not explain itself.
  ///   - identifier: the name of such an error.
  func failure(
    _ error: any Error, otherwise message: String, _ identifier: String, metadata: Logger.Metadata = [:]
  ) {
    let error = error as? any DiagnosableError
    self.error(
      "\(error?.message ?? message)",
      metadata: metadata.merging(
        ["error": "\(error?.identifier ?? identifier)", "remedy": "\(error?.remedy ?? "")"]) { _, new in new })
  }
}
