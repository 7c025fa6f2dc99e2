// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Wire

/// What the handshakes led to.
struct EstablishedSession {
  var negotiation: SMBNegotiation
  var isEncrypted: Bool
  var applicationKey: SecretBytes
  var treeID: UInt32
  /// The security context's own words.
  var mechanism: String

  var protection: String {
    let encryption = isEncrypted ? negotiation.cipher.map(\.description) ?? "none" : "none"
    return "\(negotiation.dialect), signing \(negotiation.signing), encryption \(encryption), \(mechanism)"
  }
}

extension SMBLink {
  /// The handshakes in their order: NEGOTIATE, SESSION_SETUP, TREE_CONNECT, and before SMB 3.1.1 the confirmation of the
  /// first one.
  func establish(
    _ provider: any SecurityContextProvider, _ principal: ServicePrincipal
  ) async throws -> EstablishedSession {
    let context = try await provider.initiate(
      principal, SecurityParameters(mechanism: .spnego, protection: .integrity))
    try await arm()
    let (negotiation, request) = try await negotiate()
    let signedIn = try await signIn(context, negotiation)
    let (treeID, encrypts) = try await connectShare(encrypts: signedIn.encrypts)
    if negotiation.dialect < .smb311 { try await confirm(negotiation, request, treeID) }
    try await onLoop { $0.disarm() }
    return EstablishedSession(
      negotiation: negotiation, isEncrypted: encrypts, applicationKey: signedIn.applicationKey, treeID: treeID,
      mechanism: context.summary)
  }

  private func arm() async throws {
    let time = options.handshakeTimeout
    try await onLoop { $0.arm(TimeAmount(time)) }
  }

  // MARK: - NEGOTIATE

  private func negotiate() async throws -> (SMBNegotiation, NegotiateRequest) {
    guard let guid = GUID(options.randomBytes(16)), !options.offer.dialects.isEmpty else {
      throw SMBError(.badRequest, "No dialect is offered to \(server).", remedy: "Allow one at least.")
    }
    let request = options.offer.request(clientGUID: guid, salt: options.randomBytes(SMBOffer.saltSize))
    let message = try await perform(SMBRequest(request), action: "Negotiating the protocol")
    let response = try decode(message, NegotiateResponse.init)
    let negotiation = try SMBNegotiation(response, to: request, server: server.description)
    if options.encryption == .required, negotiation.cipher == nil {
      throw SMBError(
        .noCommonProtection, "\(server) has no encryption in common with this machine (\(negotiation.dialect)).",
        remedy: "Enable SMB 3 and its encryption on the server.")
    }
    try await onLoop { $0.negotiated(negotiation.dialect) }
    return (negotiation, request)
  }

  // MARK: - SESSION_SETUP

  private func signIn(
    _ context: any SecurityContext, _ negotiation: SMBNegotiation
  ) async throws -> (applicationKey: SecretBytes, encrypts: Bool) {
    var step = try context.step(nil)
    for _ in 0..<SMBLimits.sessionSetupLegs {
      let request = SessionSetupRequest(
        securityMode: [.signingEnabled, .signingRequired], securityToken: try token(of: step))
      let message = try await perform(
        SMBRequest(request), action: "Signing in", accepting: [.success, .moreProcessingRequired])
      let response = try decode(message, SessionSetupResponse.init)
      if message.header.status == .moreProcessingRequired {
        step = try context.step(response.securityToken)
        continue
      }
      try refuseStrangers(response.flags)
      if case .send = step { try finish(context, response.securityToken) }
      let encrypts = try wantsEncryption(response.flags, negotiation)
      let key = try context.sessionKey()
      let applicationKey = try await onLoop {
        try $0.establish(key, negotiation, last: message, encrypts: encrypts)
      }
      return (applicationKey, encrypts)
    }
    throw SMBError.protocolViolation(server.description, "the sign-in does not end")
  }

  private func token(of step: SecurityStep) throws(SMBError) -> [UInt8] {
    switch step {
    case .send(let token), .sendAndComplete(let token): token
    case .complete: throw .protocolViolation(server.description, "it wants more of a sign-in that is complete")
    }
  }

  private func finish(_ context: any SecurityContext, _ token: [UInt8]) throws {
    guard try context.step(token) == .complete else {
      throw SMBError.protocolViolation(server.description, "it ended the sign-in before it was complete")
    }
  }

  private func refuseStrangers(_ flags: SessionSetupResponse.Flags) throws(SMBError) {
    guard flags.isDisjoint(with: [.guest, .anonymous]) else {
      throw SMBError(
        .guest,
        "\(server) let this machine in as \(flags.contains(.guest) ? "a guest" : "nobody"), without knowing the account.",
        remedy: "Check that the server knows the account, and switch guest access off (map to guest = never).")
    }
  }

  private func wantsEncryption(
    _ flags: SessionSetupResponse.Flags, _ negotiation: SMBNegotiation
  ) throws(SMBError) -> Bool {
    let isDemanded = flags.contains(.encryptData)
    guard !isDemanded || negotiation.cipher != nil else {
      throw SMBError(
        .noCommonProtection, "\(server) demands encryption and agreed to none.",
        remedy: "Check the server's encryption settings.")
    }
    return negotiation.cipher != nil && (isDemanded || options.encryption != .whereDemanded)
  }

  // MARK: - TREE_CONNECT

  private func connectShare(encrypts: Bool) async throws -> (treeID: UInt32, encrypts: Bool) {
    let request = SMBRequest(TreeConnectRequest(path: "\\\\\(server.host)\\IPC$"))
    let message = try await perform(request, action: "Connecting the share IPC$")
    let response = try decode(message, TreeConnectResponse.init)
    guard response.shareType == TreeConnectResponse.pipeShare else {
      throw SMBError.protocolViolation(server.description, "its IPC$ is a share of type \(response.shareType)")
    }
    if response.flags.contains(.encryptData), !encrypts { try await onLoop { try $0.beginEncryption() } }
    return (message.header.treeID, encrypts || response.flags.contains(.encryptData))
  }

  // MARK: - FSCTL_VALIDATE_NEGOTIATE_INFO

  /// Asks under the session's signature what was negotiated without one (MS-SMB2 3.2.5.5, 3.2.5.14.12). Needed only where a
  /// better dialect could have been cut out of the offer.
  private func confirm(_ negotiation: SMBNegotiation, _ request: NegotiateRequest, _ treeID: UInt32) async throws {
    guard request.dialects.contains(where: { $0 >= Dialect.smb300.rawValue }) else { return }
    let ioctl = IoctlRequest(
      control: .validateNegotiateInfo, file: .none, input: ValidateNegotiateInfoRequest(request).encoded,
      maximumOutput: UInt32(ValidateNegotiateInfoResponse.size))
    let message = try await perform(SMBRequest(ioctl, treeID: treeID))
    let status = message.header.status
    // A signed refusal of the question comes from servers of before SMB 3, which do not know it.
    let isUnknown = [.fileClosed, .invalidDeviceRequest, .notSupported].contains(status)
    if isUnknown, negotiation.dialect < .smb300 { return }
    guard status == .success else { throw downgraded("answers the question for the negotiation with \(status)") }
    let output = try decode(message, IoctlResponse.init).output
    guard let confirmed = try? ValidateNegotiateInfoResponse(output), confirmed == negotiation.confirmation else {
      throw downgraded("says now that it answered the negotiation otherwise than what arrived here")
    }
  }

  private func downgraded(_ what: String) -> SMBError {
    SMBError(
      .downgraded, "\(server) \(what): someone altered the negotiation to weaken the protection.",
      remedy: "Find out what stands between here and the server.")
  }
}
