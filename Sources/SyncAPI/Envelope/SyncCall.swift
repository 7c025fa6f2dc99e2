// SPDX-License-Identifier: Apache-2.0

package import WCF

/// One operation of the interface: its request, and how its answer is written and read. Both ends use the same code, so that
/// each layout stands in one place.
package protocol SyncCall: Sendable {
  associatedtype Answer: Sendable

  /// The operation's name, which names the request's element too.
  static var operation: String { get }
  /// What the answer's result declares.
  static var resultNamespaces: [BinaryAttribute] { get }

  /// Within the operation's element.
  func write(_ writer: inout MessageWriter)
  init(_ reader: inout MessageReader, _ element: MessageReader.Element) throws(SyncAPIError)

  /// Within the answer's `…Result`.
  static func write(_ answer: Answer, _ writer: inout MessageWriter)
  static func read(_ reader: inout MessageReader, _ result: MessageReader.Element) throws(SyncAPIError) -> Answer
  /// What an answer without a result means.
  static func answerWithoutResult() throws(SyncAPIError) -> Answer
}

extension SyncCall {
  package static var resultNamespaces: [BinaryAttribute] { [] }

  package static func answerWithoutResult() throws(SyncAPIError) -> Answer {
    throw MessageReader.malformed("the answer to \(operation) has no result")
  }
}

/// The answer of operations that only succeed.
package struct Done: Sendable, Hashable {
  package init() {}
}

/// An operation that is answered with nothing but success.
package protocol SyncCommand: SyncCall where Answer == Done {}

extension SyncCommand {
  package static func write(_ answer: Done, _ writer: inout MessageWriter) {}

  package static func read(
    _ reader: inout MessageReader, _ result: MessageReader.Element
  ) throws(SyncAPIError) -> Done {
    try reader.skip()
    return Done()
  }

  package static func answerWithoutResult() throws(SyncAPIError) -> Done { Done() }
}
