// SPDX-License-Identifier: Apache-2.0

/// A status code of Windows (MS-ERREF 2.3). The two highest bits are the severity: 3 is an error, 2 a warning.
package struct NTStatus: Hashable, Sendable, CustomStringConvertible {
  package let rawValue: UInt32

  package init(_ rawValue: UInt32) { self.rawValue = rawValue }

  package var isError: Bool { rawValue >> 30 == 3 }

  /// The name in MS-ERREF where it is known here, and the number: `STATUS_ACCESS_DENIED (0xc0000022)`.
  package var description: String {
    let digits = String(rawValue, radix: 16)
    let number = "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    return name.map { "\($0) (\(number))" } ?? "NTSTATUS \(number)"
  }

  /// The name in MS-ERREF; nil where it is not known here.
  package var name: String? { Self.names[self] }

  package static let success = NTStatus(0)
  package static let pending = NTStatus(0x0000_0103)
  package static let moreEntries = NTStatus(0x0000_0105)
  package static let someNotMapped = NTStatus(0x0000_0107)
  package static let bufferOverflow = NTStatus(0x8000_0005)
  package static let noMoreEntries = NTStatus(0x8000_001A)
  package static let notImplemented = NTStatus(0xC000_0002)
  package static let invalidInfoClass = NTStatus(0xC000_0003)
  package static let invalidHandle = NTStatus(0xC000_0008)
  package static let invalidParameter = NTStatus(0xC000_000D)
  package static let invalidDeviceRequest = NTStatus(0xC000_0010)
  package static let moreProcessingRequired = NTStatus(0xC000_0016)
  package static let accessDenied = NTStatus(0xC000_0022)
  package static let objectNameNotFound = NTStatus(0xC000_0034)
  package static let sharingViolation = NTStatus(0xC000_0043)
  package static let userExists = NTStatus(0xC000_0063)
  package static let noSuchUser = NTStatus(0xC000_0064)
  package static let wrongPassword = NTStatus(0xC000_006A)
  package static let illFormedPassword = NTStatus(0xC000_006B)
  package static let passwordRestriction = NTStatus(0xC000_006C)
  package static let logonFailure = NTStatus(0xC000_006D)
  package static let accountRestriction = NTStatus(0xC000_006E)
  package static let invalidLogonHours = NTStatus(0xC000_006F)
  package static let invalidWorkstation = NTStatus(0xC000_0070)
  package static let passwordExpired = NTStatus(0xC000_0071)
  package static let accountDisabled = NTStatus(0xC000_0072)
  package static let noneMapped = NTStatus(0xC000_0073)
  package static let insufficientResources = NTStatus(0xC000_009A)
  package static let pipeNotAvailable = NTStatus(0xC000_00AC)
  package static let pipeBusy = NTStatus(0xC000_00AE)
  package static let pipeDisconnected = NTStatus(0xC000_00B0)
  package static let ioTimeout = NTStatus(0xC000_00B5)
  package static let notSupported = NTStatus(0xC000_00BB)
  package static let networkNameDeleted = NTStatus(0xC000_00C9)
  package static let networkAccessDenied = NTStatus(0xC000_00CA)
  package static let badNetworkName = NTStatus(0xC000_00CC)
  package static let requestNotAccepted = NTStatus(0xC000_00D0)
  package static let noSuchDomain = NTStatus(0xC000_00DF)
  package static let cancelled = NTStatus(0xC000_0120)
  package static let fileClosed = NTStatus(0xC000_0128)
  package static let noLogonServers = NTStatus(0xC000_005E)
  package static let timeDifferenceAtDC = NTStatus(0xC000_0133)
  package static let pipeBroken = NTStatus(0xC000_014B)
  package static let logonTypeNotGranted = NTStatus(0xC000_015B)
  package static let trustFailure = NTStatus(0xC000_0190)
  package static let noTrustSAMAccount = NTStatus(0xC000_018B)
  package static let accountExpired = NTStatus(0xC000_0193)
  package static let userSessionDeleted = NTStatus(0xC000_0203)
  package static let passwordMustChange = NTStatus(0xC000_0224)
  package static let notFound = NTStatus(0xC000_0225)
  package static let accountLockedOut = NTStatus(0xC000_0234)
  package static let quotaExceeded = NTStatus(0xC000_0044)
  package static let cannotCreateOutsideDomain = NTStatus(0xC000_02B4)
  package static let machineAccountQuota = NTStatus(0xC000_02E7)
  package static let networkSessionExpired = NTStatus(0xC000_035C)
  package static let ntlmBlocked = NTStatus(0xC000_0418)
  package static let smbNoPreauthHashOverlap = NTStatus(0xC05D_0000)

  private static let names: [NTStatus: String] = [
    .success: "STATUS_SUCCESS", .pending: "STATUS_PENDING", .bufferOverflow: "STATUS_BUFFER_OVERFLOW",
    .moreEntries: "STATUS_MORE_ENTRIES", .someNotMapped: "STATUS_SOME_NOT_MAPPED",
    .noMoreEntries: "STATUS_NO_MORE_ENTRIES", .invalidLogonHours: "STATUS_INVALID_LOGON_HOURS",
    .invalidWorkstation: "STATUS_INVALID_WORKSTATION", .accountExpired: "STATUS_ACCOUNT_EXPIRED",
    .cannotCreateOutsideDomain: "STATUS_DS_CANT_CREATE_IN_NONDOMAIN", .ntlmBlocked: "STATUS_NTLM_BLOCKED",
    .notImplemented: "STATUS_NOT_IMPLEMENTED", .invalidInfoClass: "STATUS_INVALID_INFO_CLASS",
    .invalidHandle: "STATUS_INVALID_HANDLE", .invalidParameter: "STATUS_INVALID_PARAMETER",
    .invalidDeviceRequest: "STATUS_INVALID_DEVICE_REQUEST",
    .moreProcessingRequired: "STATUS_MORE_PROCESSING_REQUIRED", .accessDenied: "STATUS_ACCESS_DENIED",
    .objectNameNotFound: "STATUS_OBJECT_NAME_NOT_FOUND", .sharingViolation: "STATUS_SHARING_VIOLATION",
    .userExists: "STATUS_USER_EXISTS", .noSuchUser: "STATUS_NO_SUCH_USER", .wrongPassword: "STATUS_WRONG_PASSWORD",
    .illFormedPassword: "STATUS_ILL_FORMED_PASSWORD", .passwordRestriction: "STATUS_PASSWORD_RESTRICTION",
    .logonFailure: "STATUS_LOGON_FAILURE", .accountRestriction: "STATUS_ACCOUNT_RESTRICTION",
    .passwordExpired: "STATUS_PASSWORD_EXPIRED", .accountDisabled: "STATUS_ACCOUNT_DISABLED",
    .noneMapped: "STATUS_NONE_MAPPED", .insufficientResources: "STATUS_INSUFFICIENT_RESOURCES",
    .pipeNotAvailable: "STATUS_PIPE_NOT_AVAILABLE", .pipeBusy: "STATUS_PIPE_BUSY",
    .pipeDisconnected: "STATUS_PIPE_DISCONNECTED", .ioTimeout: "STATUS_IO_TIMEOUT",
    .notSupported: "STATUS_NOT_SUPPORTED", .networkNameDeleted: "STATUS_NETWORK_NAME_DELETED",
    .networkAccessDenied: "STATUS_NETWORK_ACCESS_DENIED", .badNetworkName: "STATUS_BAD_NETWORK_NAME",
    .requestNotAccepted: "STATUS_REQUEST_NOT_ACCEPTED", .noSuchDomain: "STATUS_NO_SUCH_DOMAIN",
    .cancelled: "STATUS_CANCELLED", .fileClosed: "STATUS_FILE_CLOSED", .noLogonServers: "STATUS_NO_LOGON_SERVERS",
    .timeDifferenceAtDC: "STATUS_TIME_DIFFERENCE_AT_DC", .pipeBroken: "STATUS_PIPE_BROKEN",
    .logonTypeNotGranted: "STATUS_LOGON_TYPE_NOT_GRANTED", .trustFailure: "STATUS_TRUST_FAILURE",
    .noTrustSAMAccount: "STATUS_NO_TRUST_SAM_ACCOUNT", .userSessionDeleted: "STATUS_USER_SESSION_DELETED",
    .passwordMustChange: "STATUS_PASSWORD_MUST_CHANGE", .notFound: "STATUS_NOT_FOUND",
    .accountLockedOut: "STATUS_ACCOUNT_LOCKED_OUT", .quotaExceeded: "STATUS_QUOTA_EXCEEDED",
    .machineAccountQuota: "STATUS_DS_MACHINE_ACCOUNT_QUOTA_EXCEEDED",
    .networkSessionExpired: "STATUS_NETWORK_SESSION_EXPIRED",
    .smbNoPreauthHashOverlap: "STATUS_SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP",
  ]
}
