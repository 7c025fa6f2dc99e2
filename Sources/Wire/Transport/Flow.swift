// SPDX-License-Identifier: Apache-2.0

/// The transport protocol under a flow.
package enum TransportProtocol: String, Sendable, Codable { case tcp, udp }

/// One use of a row of the reference, told by the transport after its handshake succeeded.
package struct FlowUse: Sendable, Hashable {
  /// The row's stable identifier, for example `connect-ad/ldap`.
  package var row: String
  package var transport: TransportProtocol
  /// The peer's name as it was asked for, empty when only the address is known.
  package var host: String
  /// The peer's numeric address.
  package var address: String
  package var port: Int
  /// How the traffic was protected, in words: `TLS 1.3, TLS_AES_128_GCM_SHA256`, `Kerberos sign and seal, aes256`, `none`.
  package var protection: String

  package init(
    row: String, transport: TransportProtocol, host: String, address: String, port: Int,
    protection: String
  ) {
    self.row = row
    self.transport = transport
    self.host = host
    self.address = address
    self.port = port
    self.protection = protection
  }
}

/// Takes note of used flows. Implementations must not block: transports call them from event loops.
package protocol FlowRecorder: Sendable {
  func record(_ use: FlowUse)
}

/// What a connection is for: the row it belongs to and who keeps the record. Callers choose the row, transports record.
package struct Flow: Sendable {
  package let row: String
  package let recorder: any FlowRecorder

  package init(row: String, recorder: any FlowRecorder) {
    self.row = row
    self.recorder = recorder
  }

  /// Called by a transport once its handshake is over, never before.
  package func established(
    _ transport: TransportProtocol, host: String, address: String, port: Int, protection: String
  ) {
    recorder.record(
      FlowUse(
        row: row, transport: transport, host: host, address: address, port: port,
        protection: protection))
  }
}
