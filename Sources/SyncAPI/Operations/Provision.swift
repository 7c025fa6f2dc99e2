// SPDX-License-Identifier: Apache-2.0

package import WCF

/// `ProvisionAzureADSyncObjects2`, and the same without the digit: creates, changes and deletes objects.
/// ```
/// <syncRequest xmlns:b="…/2014/06" xmlns:i="…">
///   <b:SyncObjects> <b:AzureADSyncObject/> … </b:SyncObjects>
/// </syncRequest>
/// ```
/// The answer has a result for each object in `<b:SyncObjectResults>`.
package struct Provision<Version: ProvisionVersion>: SyncCall {
  package static var operation: String { Version.operation }
  package static var resultNamespaces: [BinaryAttribute] { [.namespace(prefix: "b", uri: Namespace.objects)] }

  package var objects: [SyncObject]

  package init(_ objects: [SyncObject]) { self.objects = objects }

  package func write(_ writer: inout MessageWriter) {
    writer.element(.plain("syncRequest"), Self.resultNamespaces + [.instance]) { writer in
      writer.element(.b("SyncObjects")) { writer in
        for object in objects { object.write(&writer) }
      }
    }
  }

  package init(_ reader: inout MessageReader, _ element: MessageReader.Element) throws(SyncAPIError) {
    objects = []
    while let request = try reader.child() {
      guard request.name == "syncRequest" else {
        try reader.skip()
        continue
      }
      while let list = try reader.child() {
        guard list.name == "SyncObjects" else {
          try reader.skip()
          continue
        }
        while try reader.child() != nil {
          guard objects.count < SyncAPILimits.objects else {
            throw SyncAPIError(.tooLarge, "A request has more than \(SyncAPILimits.objects) objects.")
          }
          objects.append(try SyncObject(&reader))
        }
      }
    }
  }

  package static func write(_ answer: [SyncObjectResult], _ writer: inout MessageWriter) {
    writer.element(.b("SyncObjectResults")) { writer in
      for result in answer { result.write(&writer) }
    }
  }

  package static func read(
    _ reader: inout MessageReader, _ result: MessageReader.Element
  ) throws(SyncAPIError) -> [SyncObjectResult] {
    var results: [SyncObjectResult] = []
    while let list = try reader.child() {
      guard list.name == "SyncObjectResults" else {
        try reader.skip()
        continue
      }
      while try reader.child() != nil {
        guard results.count < SyncAPILimits.objects else {
          throw SyncAPIError(.tooLarge, "An answer has more than \(SyncAPILimits.objects) results.")
        }
        results.append(try SyncObjectResult(&reader))
      }
    }
    return results
  }
}

/// Which of the two operations a provisioning is: they differ in their name only.
package protocol ProvisionVersion: Sendable {
  static var operation: String { get }
}

package enum ProvisionVersion1: ProvisionVersion {
  package static var operation: String { "ProvisionAzureADSyncObjects" }
}

/// Takes changes of references, too.
package enum ProvisionVersion2: ProvisionVersion {
  package static var operation: String { "ProvisionAzureADSyncObjects2" }
}
