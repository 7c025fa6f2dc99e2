// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import WCF

/// `GetDeviceConfiguration`: whose certificates devices have.
package struct GetDeviceConfiguration: SyncCall {
  package static let operation = "GetDeviceConfiguration"
  package static let resultNamespaces = [BinaryAttribute.namespace(prefix: "c", uri: Namespace.arrays)]

  package init() {}

  package func write(_ writer: inout MessageWriter) {}

  package init(_ reader: inout MessageReader, _ element: MessageReader.Element) throws(SyncAPIError) {
    try reader.skip()
  }

  package struct Issuers: Sendable, Hashable {
    /// Certificates in DER.
    package var own: [[UInt8]]
    package var cloud: [[UInt8]]

    package init(own: [[UInt8]] = [], cloud: [[UInt8]] = []) {
      self.own = own
      self.cloud = cloud
    }
  }

  package static func write(_ answer: Issuers, _ writer: inout MessageWriter) {
    for (name, certificates) in [
      ("CloudPublicIssuerCertificates", answer.cloud), ("PublicIssuerCertificates", answer.own),
    ] {
      writer.element(.plain(name)) { writer in
        for certificate in certificates { writer.leaf(.c("base64Binary"), data: certificate) }
      }
    }
  }

  package static func read(
    _ reader: inout MessageReader, _ result: MessageReader.Element
  ) throws(SyncAPIError) -> Issuers {
    var issuers = Issuers()
    while let part = try reader.child() {
      let texts = try reader.list(part, maximum: SyncAPILimits.names)
      let certificates = texts.compactMap { Data(base64Encoded: $0).map { Array($0) } }.filter { !$0.isEmpty }
      switch part.name {
      case "CloudPublicIssuerCertificates": issuers.cloud = certificates
      case "PublicIssuerCertificates": issuers.own = certificates
      default: break
      }
    }
    return issuers
  }
}
