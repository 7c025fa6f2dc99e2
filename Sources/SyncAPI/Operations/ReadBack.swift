// SPDX-License-Identifier: Apache-2.0

package import WCF

/// `ReadBackAzureADSyncObjects2`, and the same without the digit: what the service holds of the objects that are
/// synchronised, a page at a time.
/// ```
/// <includeLicenseInformation>false</includeLicenseInformation>
/// <inputCookie i:nil="true"/>
/// <isFullSync>true</isFullSync>
/// ```
/// The answer has `<b:ResultObjects>`. What tells of a further page was never seen in public: here it is
/// `<b:MoreObjectsAvailable>` and `<b:OutputCookie>`; an answer without them is read as the only one.
package struct ReadBack<Version: ReadBackVersion>: SyncCall {
  package static var operation: String { Version.operation }
  package static var resultNamespaces: [BinaryAttribute] { [.namespace(prefix: "b", uri: Namespace.objects)] }

  /// Where an earlier answer ended; nil for the beginning.
  package var cookie: String?
  /// All objects, and not only those that changed since the cookie.
  package var isFull: Bool

  package init(cookie: String?, isFull: Bool = true) {
    self.cookie = cookie
    self.isFull = isFull
  }

  package struct Page: Sendable, Hashable {
    package var objects: [SyncObject]
    package var cookie: String?
    package var hasMore: Bool

    package init(objects: [SyncObject], cookie: String?, hasMore: Bool) {
      self.objects = objects
      self.cookie = cookie
      self.hasMore = hasMore
    }
  }

  package func write(_ writer: inout MessageWriter) {
    writer.leaf(.plain("includeLicenseInformation"), "false")
    if let cookie {
      writer.leaf(.plain("inputCookie"), cookie)
    } else {
      writer.empty(.plain("inputCookie"), [.attribute(.init("i", "nil"), "true"), .instance])
    }
    writer.leaf(.plain("isFullSync"), isFull ? "true" : "false")
  }

  package init(_ reader: inout MessageReader, _ element: MessageReader.Element) throws(SyncAPIError) {
    (cookie, isFull) = (nil, true)
    while let part = try reader.child() {
      switch part.name {
      case "inputCookie": cookie = try reader.text(of: part)
      case "isFullSync": isFull = try reader.boolean(part)
      default: try reader.skip()
      }
    }
    if cookie == "" { cookie = nil }
  }

  package static func write(_ answer: Page, _ writer: inout MessageWriter) {
    writer.leaf(.b("MoreObjectsAvailable"), answer.hasMore ? "true" : "false")
    writer.leaf(.b("OutputCookie"), optional: answer.cookie)
    writer.element(.b("ResultObjects")) { writer in
      for object in answer.objects { object.write(&writer) }
    }
  }

  package static func read(
    _ reader: inout MessageReader, _ result: MessageReader.Element
  ) throws(SyncAPIError) -> Page {
    var page = Page(objects: [], cookie: nil, hasMore: false)
    while let part = try reader.child() {
      switch part.name {
      case "MoreObjectsAvailable": page.hasMore = try reader.boolean(part)
      case "OutputCookie": page.cookie = try reader.text(of: part)
      case "ResultObjects":
        while try reader.child() != nil {
          guard page.objects.count < SyncAPILimits.objectsInAnswer else {
            throw SyncAPIError(.tooLarge, "An answer has more than \(SyncAPILimits.objectsInAnswer) objects.")
          }
          page.objects.append(try SyncObject(&reader))
        }
      default: try reader.skip()
      }
    }
    return page
  }
}

/// Which of the two operations a reading is: they differ in their name and in what they leave out.
package protocol ReadBackVersion: Sendable {
  static var operation: String { get }
}

package enum ReadBackVersion1: ReadBackVersion {
  package static var operation: String { "ReadBackAzureADSyncObjects" }
}

/// Leaves out properties without a value.
package enum ReadBackVersion2: ReadBackVersion {
  package static var operation: String { "ReadBackAzureADSyncObjects2" }
}
