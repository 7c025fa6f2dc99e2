// SPDX-License-Identifier: Apache-2.0

/// MC-NMF 2.2.5: the faults that a receiver may name, as URIs in one namespace; others are kept as they came.
package struct FramingFault: Hashable, Sendable, CustomStringConvertible {
  package static let namespace = "http://schemas.microsoft.com/ws/2006/05/framing/faults/"

  /// The fault names that the specification defines.
  package enum Name: String, Sendable, CaseIterable {
    case connectionDispatchFailed = "ConnectionDispatchFailed"
    case contentTypeInvalid = "ContentTypeInvalid"
    case contentTypeTooLong = "ContentTypeTooLong"
    case endpointAccessDenied = "EndpointAccessDenied"
    case endpointNotFound = "EndpointNotFound"
    case endpointPaused = "EndpointPaused"
    case endpointUnavailable = "EndpointUnavailable"
    case invalidRecordSequence = "InvalidRecordSequence"
    case maximumMessageSizeExceeded = "MaxMessageSizeExceededFault"
    case serverTooBusy = "ServerTooBusy"
    case serviceActivationFailed = "ServiceActivationFailed"
    case unsupportedMode = "UnsupportedMode"
    case unsupportedVersion = "UnsupportedVersion"
    case upgradeInvalid = "UpgradeInvalid"
    case viaTooLong = "ViaTooLong"
  }

  /// The URI as it travels.
  package let uri: String

  package init(uri: String) { self.uri = uri }
  package init(_ name: Name) { uri = Self.namespace + name.rawValue }

  /// Nil for a fault that the specification does not define.
  package var name: Name? {
    uri.hasPrefix(Self.namespace) ? Name(rawValue: String(uri.dropFirst(Self.namespace.count))) : nil
  }

  package var description: String { name?.rawValue ?? uri }

  /// The fault in words.
  package var meaning: String {
    switch name {
    case .connectionDispatchFailed: "the endpoint exists, but the connection could not be handed to it"
    case .contentTypeInvalid: "it does not support the message encoding"
    case .contentTypeTooLong: "the name of the message encoding is too long for it"
    case .endpointAccessDenied: "the endpoint may not be accessed"
    case .endpointNotFound: "it has no endpoint with this address"
    case .endpointPaused: "the endpoint is paused"
    case .endpointUnavailable: "the endpoint is currently unavailable"
    case .invalidRecordSequence: "it did not expect the record that was sent"
    case .maximumMessageSizeExceeded: "the message is too large for it"
    case .serverTooBusy: "it is too busy to take another connection"
    case .serviceActivationFailed: "its process cannot be started"
    case .unsupportedMode: "it does not support this communication mode"
    case .unsupportedVersion: "it does not support version 1.0 of the framing"
    case .upgradeInvalid: "it does not support the protection that was asked for"
    case .viaTooLong: "the address of the endpoint is too long for it"
    case nil: "it named the fault '\(uri)'"
    }
  }

  /// What the reader can do about it.
  package var remedy: String {
    switch name {
    case .endpointNotFound, .contentTypeInvalid, .unsupportedMode, .viaTooLong, .contentTypeTooLong:
      "Check that this is the service that is meant, and the host name that it is called by."
    case .endpointPaused, .endpointUnavailable, .serviceActivationFailed, .connectionDispatchFailed:
      "Start or continue the service on the server, and read its event log."
    case .serverTooBusy: "Try again later; raise the service's limits on connections if it persists."
    case .endpointAccessDenied: "Grant the account access to the endpoint."
    case .upgradeInvalid: "Let the service offer Windows authentication (application/negotiate) on this endpoint."
    default: "Check the service's log."
    }
  }
}
