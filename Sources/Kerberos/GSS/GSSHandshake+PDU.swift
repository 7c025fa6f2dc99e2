// SPDX-License-Identifier: Apache-2.0

import CKerberos
import Wire

/// PDUs protected in place, with `gss_wrap_iov` and its relatives.
///
/// In DCE style the buffers are the segments in their order and then the token (HEADER); there is no TRAILER: the token
/// holds both. Otherwise they are HEADER, the segments, PADDING, as SSPI's `EncryptMessage` has them.
extension GSSHandshake {
  func tokenLength(_ segments: [Segment]) throws(SecurityError) -> Int {
    try requireSealing(segments, count: segments.last?.range.upperBound ?? 0)
    var (minor, sealed) = (OM_uint32(0), Int32(0))
    var buffers = parameters.isDCEStyle ? [] : [Self.descriptor(GSS_IOV_BUFFER_TYPE_HEADER, nil, 0)]
    buffers += segments.map { Self.descriptor(Self.type($0), nil, $0.range.count) }
    let header = parameters.isDCEStyle ? buffers.count : 0
    buffers.append(
      Self.descriptor(parameters.isDCEStyle ? GSS_IOV_BUFFER_TYPE_HEADER : GSS_IOV_BUFFER_TYPE_PADDING, nil, 0))
    let major = gss_wrap_iov_length(
      &minor, context, 1, gss_qop_t(GSS_C_QOP_DEFAULT), &sealed, &buffers, Int32(buffers.count))
    guard !GSSFailure.failed(major), sealed != 0 else { throw messageFailure("could not be protected", major, minor) }
    return buffers[header].buffer.length
  }

  mutating func seal(_ buffer: inout [UInt8], _ segments: [Segment]) throws(SecurityError) -> [UInt8] {
    try requireSealing(segments, count: buffer.count)
    var (major, minor, sealed) = (OM_uint32(0), OM_uint32(0), Int32(0))
    var (token, padding): ([UInt8], [UInt8]) = ([], [])
    buffer.withUnsafeMutableBytes { bytes in
      // The library allocates the token and the padding.
      var buffers = [Self.descriptor(GSS_IOV_BUFFER_TYPE_HEADER, allocated: true)]
      let body = segments.map { Self.descriptor(Self.type($0), bytes.baseAddress, $0.range) }
      if parameters.isDCEStyle {
        buffers = body + buffers
      } else {
        buffers += body + [Self.descriptor(GSS_IOV_BUFFER_TYPE_PADDING, allocated: true)]
      }
      major = gss_wrap_iov(
        &minor, context, 1, gss_qop_t(GSS_C_QOP_DEFAULT), &sealed, &buffers, Int32(buffers.count))
      token = Self.contents(buffers[parameters.isDCEStyle ? buffers.count - 1 : 0])
      if !parameters.isDCEStyle { padding = Self.contents(buffers[buffers.count - 1]) }
      var ignored: OM_uint32 = 0
      gss_release_iov_buffer(&ignored, &buffers, Int32(buffers.count))
    }
    guard !GSSFailure.failed(major), sealed != 0, !token.isEmpty else {
      throw messageFailure("could not be protected", major, minor)
    }
    buffer += padding
    return token
  }

  mutating func unseal(
    _ buffer: inout [UInt8], _ segments: [Segment], token: [UInt8]
  ) throws(SecurityError) {
    try requireSealing(segments, count: buffer.count)
    var (major, minor, sealed, quality) = (OM_uint32(0), OM_uint32(0), Int32(0), gss_qop_t(0))
    var token = token
    var lengths: [Int] = []
    buffer.withUnsafeMutableBytes { bytes in
      token.withUnsafeMutableBytes { token in
        let header = Self.descriptor(GSS_IOV_BUFFER_TYPE_HEADER, token.baseAddress, 0..<token.count)
        let body = segments.map { Self.descriptor(Self.type($0), bytes.baseAddress, $0.range) }
        var buffers = parameters.isDCEStyle ? body + [header] : [header] + body
        major = gss_unwrap_iov(&minor, context, &sealed, &quality, &buffers, Int32(buffers.count))
        let first = parameters.isDCEStyle ? 0 : 1
        lengths = buffers[first..<first + segments.count].map(\.buffer.length)
      }
    }
    guard !GSSFailure.failed(major) else { throw messageFailure("is damaged or forged", major, minor) }
    guard bridgehead_gss_out_of_order(major) == 0 else {
      throw messageFailure("was replayed, lost or came out of order", major, minor)
    }
    guard sealed != 0 else {
      throw SecurityError(
        .weakProtection, "A message of \(service) is not sealed, though sealing was agreed.",
        remedy: "Check what stands between this machine and the server.")
    }
    // Padding of older encryption types stands at the end of the data.
    if let last = segments.last, let length = lengths.last, length < last.range.count {
      buffer.removeSubrange(last.range.lowerBound + length..<last.range.upperBound)
    }
  }

  private func requireSealing(_ segments: [Segment], count: Int) throws(SecurityError) {
    guard try requireProtection() else {
      throw SecurityError(
        .weakProtection, "Sealing was not agreed with \(service).", remedy: "Ask for confidentiality.")
    }
    let sealed = segments.count { $0.treatment == .sealed }
    guard Segment.areOrdered(segments, within: count), parameters.isDCEStyle ? sealed > 0 : sealed == 1 else {
      throw SecurityError(
        .internalFailure, "The parts of a message for \(service) overlap, or none is to be sealed.",
        remedy: "Report this as a defect.")
    }
  }

  // MARK: - Buffers

  private static func type(_ segment: Segment) -> Int32 {
    switch segment.treatment {
    case .sealed: GSS_IOV_BUFFER_TYPE_DATA
    case .signed: GSS_IOV_BUFFER_TYPE_SIGN_ONLY
    }
  }

  private static func descriptor(_ type: Int32, _ value: UnsafeMutableRawPointer?, _ length: Int) -> gss_iov_buffer_desc
  {
    gss_iov_buffer_desc(type: OM_uint32(type), buffer: gss_buffer_desc(length: length, value: value))
  }

  private static func descriptor(
    _ type: Int32, _ base: UnsafeMutableRawPointer?, _ range: Range<Int>
  ) -> gss_iov_buffer_desc {
    descriptor(type, base.map { $0 + range.lowerBound }, range.count)
  }

  private static func descriptor(_ type: Int32, allocated: Bool) -> gss_iov_buffer_desc {
    descriptor(type | Int32(GSS_IOV_BUFFER_FLAG_ALLOCATE), nil, 0)
  }

  private static func contents(_ buffer: gss_iov_buffer_desc) -> [UInt8] {
    buffer.buffer.value.map { Array(UnsafeRawBufferPointer(start: $0, count: buffer.buffer.length)) } ?? []
  }
}
