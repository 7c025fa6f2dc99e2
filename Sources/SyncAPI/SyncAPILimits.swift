// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What is accepted of a message. The interface has no public specification: each number says where it comes from.
package enum SyncAPILimits {
  /// Bytes of an answer that a client collects: a page of 1,000 objects with 50 properties has about 4 MiB.
  package static let answerBytes = 64 << 20
  /// Objects of one request: what the tenant's store writes in one transaction without keeping others waiting for long.
  package static let objects = 1_000
  /// Objects of one answer.
  package static let objectsInAnswer = 10_000
  /// Properties of one object; Entra Connect's rules know about 200.
  package static let properties = 512
  /// Values of one property, and references of one change: twice the links that the service takes across a batch
  /// (`MaxLinksSupportedAcrossBatchInProvision2`, 15,000 in every published answer) would be 30,000; groups read back are
  /// larger.
  package static let values = 200_000
  /// Credentials of one request, likewise.
  package static let credentials = 1_000
  /// Bytes of text that one document may stand for, as a multiple of its own: numbers of the dictionary stand for up to 90
  /// characters each, in two bytes.
  package static let expansion = 8
  /// Names of one list in the company's configuration.
  package static let names = 256
  /// Characters of a remote text that is shown to an administrator.
  package static let shownText = 500
}
