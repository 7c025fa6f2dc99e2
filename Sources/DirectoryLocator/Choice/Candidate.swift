// SPDX-License-Identifier: Apache-2.0

import Wire

/// A host that may be the domain controller to use, before it was asked.
struct Candidate: Sendable, Hashable {
  let host: String
  /// The port of the service that is looked for.
  let port: Int
  /// The UDP port that answers pings.
  let pingPort: Int
  /// RFC 2782 priority, those of this machine's site before all others; the position in a given list.
  let priority: Int
  /// What an answer to its pings must carry, from 1 to 2^31-1 (RFC 4511 4.1.1.1).
  let messageID: Int32
}

/// What is known of a candidate after it was asked.
enum Verdict: Sendable {
  case suitable(DomainController)
  case readOnly(DomainController)
  case notGlobalCatalog(DomainController)
  /// The host holds another domain; its name if the answer told it.
  case wrongDomain(String?)
  case paused
  case refused
  case silent
  case unreadable(String)
  case unresolved(String)

  /// The controller, if the answer described one.
  var controller: DomainController? {
    switch self {
    case .suitable(let controller), .readOnly(let controller), .notGlobalCatalog(let controller): controller
    default: nil
    }
  }

  /// In words, for the list in an error.
  var text: String {
    switch self {
    case .suitable: "answers"
    case .readOnly: "is read-only"
    case .notGlobalCatalog: "is no global catalog"
    case .wrongDomain(let name?): "holds the domain \(name)"
    case .wrongDomain(nil): "holds another domain"
    case .paused: "is paused"
    case .refused: "refuses UDP"
    case .silent: "is silent"
    case .unreadable(let reason): "gives an unreadable answer (\(reason))"
    case .unresolved(let reason): reason
    }
  }

  /// The more a verdict says, the higher: the most telling one of a host's addresses stands for the host.
  var weight: Int {
    switch self {
    case .suitable: 7
    case .readOnly, .notGlobalCatalog: 6
    case .wrongDomain: 5
    case .paused: 4
    case .unreadable: 3
    case .refused: 2
    case .silent: 1
    case .unresolved: 0
    }
  }
}
