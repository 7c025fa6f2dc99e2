// SPDX-License-Identifier: Apache-2.0

package import Wire

/// RFC 4511 4.1.1:
///
///     LDAPMessage ::= SEQUENCE {
///          messageID       MessageID,
///          protocolOp      CHOICE { ... },
///          controls       [0] Controls OPTIONAL }
///
/// The one codec for TCP and UDP: a stream is cut into messages by ``MessageFramer``, a datagram holds whole ones.
package struct LDAPMessage: Sendable, Hashable {
  /// 0 only in unsolicited notifications.
  package var id: Int32
  package var operation: ProtocolOperation
  package var controls: [Control]

  package init(id: Int32, _ operation: ProtocolOperation, controls: [Control] = []) {
    self.id = id
    self.operation = operation
    self.controls = controls
  }

  /// Reads exactly one message.
  package init(_ bytes: [UInt8], limits: LDAPLimits = .standard) throws(ByteError) {
    var reader = BERReader(bytes, depth: limits.nestingDepth)
    try self.init(&reader, limits: limits)
    guard reader.isAtEnd else {
      throw .malformed(offset: reader.position, reason: "\(reader.remaining) bytes after the message")
    }
  }

  /// Reads the next message of a datagram.
  package init(_ reader: inout BERReader, limits: LDAPLimits = .standard) throws(ByteError) {
    var content = try reader.enter()
    guard content.end - content.position <= limits.messageSize else {
      throw .malformed(offset: content.position, reason: "a message of \(content.remaining) bytes")
    }
    id = try content.readCount()
    operation = try ProtocolOperation(&content, limits: limits)
    controls = []
    if content.nextTag == Self.controlsTag {
      var list = try content.enter(Self.controlsTag)
      while !list.isAtEnd {
        guard controls.count < limits.elementCount else {
          throw .malformed(offset: list.position, reason: "too many controls in one message")
        }
        controls.append(try Control(&list))
      }
    }
  }

  package var encoded: [UInt8] {
    var writer = BERWriter()
    writer.constructed {
      $0.integer(id)
      operation.encode(into: &$0)
      if !controls.isEmpty {
        $0.constructed(Self.controlsTag) { for control in controls { control.encode(into: &$0) } }
      }
    }
    return writer.bytes
  }

  package func control(_ type: ControlType) -> Control? { controls.first { $0.type == type } }

  private static let controlsTag = BERTag.context(0, constructed: true)
}
