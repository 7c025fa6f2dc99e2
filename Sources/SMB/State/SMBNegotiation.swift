// SPDX-License-Identifier: Apache-2.0

package import Wire

/// What a server chose of an offer, checked against it (MS-SMB2 3.2.5.2).
package struct SMBNegotiation: Sendable, Hashable {
  package var dialect: Dialect
  package var signing: SigningAlgorithm
  /// Nil where nothing can be encrypted.
  package var cipher: Cipher?
  /// Whether the server refuses unsigned sessions of anybody.
  package var serverRequiresSigning: Bool
  /// The server's clock when it answered.
  package var systemTime: FileTime
  /// Bytes that the server takes in one operation, cut to what one credit carries.
  var maximumPayload: Int
  /// For FSCTL_VALIDATE_NEGOTIATE_INFO.
  let confirmation: ValidateNegotiateInfoResponse

  init(_ response: NegotiateResponse, to request: NegotiateRequest, server: String) throws(SMBError) {
    guard request.dialects.contains(response.dialect), let dialect = Dialect(rawValue: response.dialect) else {
      throw .protocolViolation(
        server, "it chose dialect 0x\(String(response.dialect, radix: 16)), which was not offered")
    }
    guard !response.securityMode.isEmpty else {
      throw SMBError(
        .noCommonProtection, "\(server) does not support signing.", remedy: "Enable SMB signing on the server.")
    }
    let smallest = min(response.maximumTransaction, response.maximumRead, response.maximumWrite)
    guard smallest >= Self.smallestPayload else {
      throw .protocolViolation(server, "it takes \(smallest) bytes at a time; \(Self.smallestPayload) are the least")
    }
    self.dialect = dialect
    serverRequiresSigning = response.securityMode.contains(.signingRequired)
    systemTime = response.systemTime
    maximumPayload = min(Int(smallest), SMBLimits.payload)
    confirmation = ValidateNegotiateInfoResponse(response)
    switch dialect {
    case .smb202, .smb210: signing = .hmacSHA256
    case .smb300, .smb302:
      signing = .aesCMAC
      if response.capabilities.contains(.encryption), request.capabilities.contains(.encryption) {
        cipher = .aes128CCM
      }
    case .smb311: (signing, cipher) = try Self.contexts(response.contexts, to: request.contexts, server: server)
    }
  }

  /// The least that servers announce is 65,536 (MS-SMB2 3.3.5.4); a fragment of RPC must fit (C706 12.6.3.1).
  private static let smallestPayload: UInt32 = 4280

  private static func contexts(
    _ answered: [NegotiateContext], to offered: [NegotiateContext], server: String
  ) throws(SMBError) -> (SigningAlgorithm, Cipher?) {
    var hashes: [UInt16] = []
    var signing: SigningAlgorithm?
    var cipher: Cipher?
    var seen: Set<String> = []
    func once(_ kind: String) throws(SMBError) {
      guard seen.insert(kind).inserted else { throw .protocolViolation(server, "it answered twice about \(kind)") }
    }
    /// The one number that was chosen; it must be among those that were offered.
    func choice(_ numbers: [UInt16], of kind: String, among offered: [UInt16]) throws(SMBError) -> UInt16 {
      guard let number = numbers.first, numbers.count == 1, offered.contains(number) else {
        throw .protocolViolation(server, "its choice of \(kind) \(numbers) is none of those offered \(offered)")
      }
      return number
    }
    for context in answered {
      switch context {
      case .preauthenticationIntegrity(let numbers, _):
        try once("preauthentication integrity")
        hashes = numbers
      case .encryption(let numbers):
        try once("encryption")
        // Zero says that there is none in common.
        if numbers == [0] { continue }
        let offered = offered.lazy.compactMap { if case .encryption(let numbers) = $0 { numbers } else { nil } }.first
        cipher = Cipher(rawValue: try choice(numbers, of: "cipher", among: offered ?? []))
      case .signing(let numbers):
        try once("signing")
        let offered = offered.lazy.compactMap { if case .signing(let numbers) = $0 { numbers } else { nil } }.first
        signing = SigningAlgorithm(rawValue: try choice(numbers, of: "signing algorithm", among: offered ?? []))
      case .other: continue
      }
    }
    guard hashes == [NegotiateContext.sha512] else {
      throw .protocolViolation(
        server, "it chose no hash for preauthentication integrity, without which SMB 3.1.1 is open")
    }
    // MS-SMB2 3.2.5.2: without the context it is AES-CMAC.
    return (signing ?? .aesCMAC, cipher)
  }
}
