// SPDX-License-Identifier: Apache-2.0

/// What can go wrong in one part of the product, as a closed vocabulary that callers branch on.
package protocol ErrorCode: RawRepresentable<String>, Hashable, Sendable {
  /// The first part of every identifier: `tenant` of `tenant.unknownDomain`.
  static var domain: String { get }
}

/// An error about which a code, a message and a remedy say all.
///
/// Each part of the product has its own codes and so its own type: `TenantError` is `CodedError<TenantErrorCode>`. An error
/// that carries more, an answer's status or a refused certificate, is a type of its own.
package struct CodedError<Code: ErrorCode>: DiagnosableError, Hashable {
  package var code: Code
  package var message: String
  package var remedy: String

  package init(_ code: Code, _ message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  package var identifier: String { "\(Code.domain).\(code.rawValue)" }
}
