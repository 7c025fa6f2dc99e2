// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import SyncAPI
import Wire

/// Operations as objects of the Sync API, and what it holds as records, by the form of each kind (``SyncAPI/SyncForm``).
///
/// An object's identifier is its source anchor, by which the service itself knows it: a batch can then be repeated, and
/// references need no other name. Only what has no source anchor is known by the service's own name.
enum SyncAPIMapping {
  static let vocabulary: [ObjectKind: Set<String>] = Dictionary(
    uniqueKeysWithValues: ObjectKind.allCases.compactMap { kind in SyncForm.of(kind).map { (kind, $0.vocabulary) } })

  private static func form(_ kind: ObjectKind) throws -> SyncForm {
    guard let form = SyncForm.of(kind) else {
      throw ConnectError.corrupt("an object of type \(kind.rawValue) to export")
    }
    return form
  }

  // MARK: To the service

  static func object(_ operation: ExportOperation) throws -> SyncObject {
    switch operation {
    case .create(let kind, let anchor, let attributes):
      let form = try form(kind)
      return object(form, .source(anchor), form.properties(attributes, clearing: form.vocabulary))
    case .update(let kind, let id, let changes, let attributes):
      // All that it shall have, and not only what differs: should the service have lost the object, it is whole again.
      let form = try form(kind)
      return object(form, SyncAnchor(id), form.properties(attributes, clearing: Set(changes.names)))
    case .adopt(let kind, let id, let anchor, _, _, let attributes):
      let form = try form(kind)
      var properties = form.properties(attributes, clearing: form.vocabulary)
      if case .cloud(let name) = SyncAnchor(id) { properties[SyncObject.cloudAnchor] = .string(name) }
      return object(form, .source(anchor), properties)
    case .link(let kind, let id, let attribute, let add, let remove):
      let form = try form(kind)
      var properties = SyncProperties()
      let value: SyncValue
      if attribute == "members" {
        value = .references(
          remove.map { ReferenceChange(.remove, SyncAnchor($0.id)) }
            + add.map { ReferenceChange(.add, SyncAnchor($0.id)) })
      } else {
        value = add.last.map { SyncValue.string($0.id) } ?? .null
      }
      properties[form.links[attribute] ?? attribute] = value
      return object(form, SyncAnchor(id), properties)
    case .delete(let kind, let id): return object(try form(kind), SyncAnchor(id), [:], .delete)
    }
  }

  private static func object(
    _ form: SyncForm, _ anchor: SyncAnchor, _ properties: SyncProperties, _ operation: SyncOperation = .set
  ) -> SyncObject {
    var properties = properties
    switch anchor {
    case .source(let text): properties[SyncObject.sourceAnchor] = .string(text)
    case .cloud(let text): properties[SyncObject.cloudAnchor] = .string(text)
    }
    return SyncObject(form.type, operation, properties)
  }

  // MARK: From the service

  /// Nil for an object without any name, and for one that is gone.
  static func record(_ object: SyncObject) -> TargetRecord? {
    guard object.operation != .delete, let id = object.sourceAnchor ?? object.cloudAnchor else { return nil }
    let form = SyncForm.of(object.type)
    var record = TargetRecord(
      id: id, sourceAnchor: object.sourceAnchor, attributes: form.attributes(object.properties))
    for (attribute, property) in form.links {
      switch object.properties[property] {
      case .strings(let anchors)?: record.links[attribute] = anchors
      case .string(let anchor)? where !anchor.isEmpty: record.links[attribute] = [anchor]
      default: break
      }
    }
    return record
  }

  /// What the service said about an operation.
  static func outcome(_ operation: ExportOperation, _ result: SyncObjectResult) -> ExportOutcome {
    guard result.isSuccess else {
      let reason = shown([result.errorCode, result.errorDescription])
      switch result.errorCode {
      case SyncObjectResult.Problem.valueTaken?: return .conflict(reason)
      case SyncObjectResult.Problem.notFound?: return .notFound
      case SyncObjectResult.Problem.administrator?: return .held(.privilegedMatch, reason)
      case SyncObjectResult.Problem.softMatch?, SyncObjectResult.Problem.hardMatch?:
        return .held(.ambiguousMatch, reason)
      default: return .refused(reason)
      }
    }
    switch operation {
    case .create(_, let anchor, let attributes), .adopt(_, _, let anchor, _, _, let attributes):
      return .done(TargetRecord(id: anchor, sourceAnchor: anchor, attributes: attributes))
    case .update, .link, .delete: return .done(nil)
    }
  }

  /// Remote texts on one line, shortened.
  private static func shown(_ parts: [String?]) -> String {
    let text = parts.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
    let line = text.unicodeScalars.prefix(500).map { $0.properties.generalCategory == .control ? " " : Character($0) }
    return line.isEmpty ? "The service gave no reason." : String(line)
  }
}
