// SPDX-License-Identifier: Apache-2.0

import Yams

/// Settings of Entra Connect that concern the whole server, by the names of Get-ADSyncGlobalSettings.
struct EntraConnectSettings {
  let file: String
  private(set) var values = MigratedSettings()
  private(set) var notes: [Migration.Note] = []

  init(file: String) { self.file = file }

  /// Features without a counterpart, by the last part of their names; the words go on after "it is switched on: ".
  private static let features: [String: String] = [
    "passwordhashsync": "password hashes are not synchronised",
    "passwordwriteback": "passwords are not written back",
    "devicewriteback": "devices are not written back",
    "groupwriteback": "groups are not written back",
    "userwriteback": "users are not written back",
    "hybridexchange": "Exchange's attributes are not written back",
    "exchangemailpublicfolder": "public folders are not synchronised",
    "directoryextension": "directory extensions need rules of their own",
    "filteraad": "applications and attributes are chosen by rules, not by a filter",
    "groupfiltering": "a pilot group is not carried over",
    "desktopssoenabled": "seamless single sign-on is not carried over",
  ]

  /// One `{ Name, Value }` of Get-ADSyncGlobalSettings.
  mutating func take(parameter name: String, _ value: Node?) {
    let text = value?.text ?? ""
    let short = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
    func isOn() -> Bool { text.lowercased() == "true" }
    func add(_ words: String) { notes.append(.init(file: file, line: value?.mark?.line, text: "\(name): \(words)")) }
    switch short {
    case "exportdeletionthresholdvalue":
      guard let count = Int(text), (1...10_000_000).contains(count) else { break }
      values.deletions = count
    case "exportdeletionthreshold" where text.lowercased() == "false":
      add("the guard against mass deletion cannot be switched off; raise connect.guard where it is too strict")
    case "stagingmode" where isOn():
      values.isStaging = true
      add("this server was in staging mode, so connect.mode is staging; take that out when it is to export")
    case "anchorattribute" where text.lowercased() == "ms-ds-consistencyguid":
      // Set where it is empty, and kept: what writeSourceAnchors does, too.
      values.writesAnchors = true
      add("writeSourceAnchors is set for every forest; the account needs the right to write mS-DS-ConsistencyGuid")
    case "anchorattribute" where !text.isEmpty && text.lowercased() != "objectguid":
      add(
        "the source anchor was \(text); see that objects keep the anchors that the cloud knows before the first export")
    case "upnattribute" where !text.isEmpty && text.lowercased() != "userprincipalname":
      add("the sign-in name came from \(text); write a rule for userPrincipalName")
    case "joincriteria" where !text.isEmpty && text.lowercased() != "alwaysprovision":
      values.joinUsersBy = Self.joinAttributes(text)
      add(
        values.joinUsersBy.map {
          "users of several forests were joined by \(text): joinUsersBy is \($0.joined(separator: ", "))"
        }
          ?? "users of several forests were joined by \(text); name the attribute in connect.joinUsersBy")
    // The shortest that Entra Connect allows, and its default, says nothing about what is wanted here.
    case "timeinterval" where !text.isEmpty && text != "00:30:00":
      values.interval = MigratedSettings.interval(timeSpan: text)
      if values.interval == nil {
        add("the interval \(text) is none that is understood; write connect.schedule.interval")
      }
    case "schedulersuspended" where isOn(), "synchronizationschedule" where text.lowercased() == "false":
      add("the scheduler was switched off")
    case "signonmethod" where !text.isEmpty: add("users signed in by \(text); that is not part of this file")
    case "attributeexclusionlist" where !text.isEmpty: add("attributes were excluded; write rules for them")
    case "devicewriteup" where isOn(): values.includesDevices = true
    default:
      if isOn(), let words = Self.features[short] { add("it is switched on: \(words)") }
    }
  }

  /// The wizard's choices, and an attribute of one's own; nil for one that is no attribute's name.
  private static func joinAttributes(_ text: String) -> [String]? {
    switch text.lowercased() {
    case "mail", "mailattribute": return ["mail"]
    case let sid where sid.contains("objectsid"): return ["objectSid"]
    // An account's name in one forest against an alias in the other: no attribute of both.
    case let name where name.contains("samaccountname") && name.contains("mailnickname"): return nil
    default: return text.wholeMatch(of: /[A-Za-z][A-Za-z0-9-]{0,63}/) == nil ? nil : [text]
    }
  }

  /// A section of the wizard's file: what it switches on is told by name. Texts are not repeated, whatever they hold.
  mutating func take(_ section: Node, name: String) {
    guard let mapping = section.mapping else {
      if section.scalar != nil { return take(parameter: name, section) }
      if !section.elements.isEmpty { untranslated(section, name) }
      return
    }
    let before = (notes.count, values)
    for (key, value) in mapping {
      let inner = "\(name).\(key.scalar?.string ?? "")"
      value.scalar == nil ? untranslated(value, inner) : take(parameter: inner, value)
    }
    if before == (notes.count, values), mapping.contains(where: { $0.value.bool != false && $0.value.text != nil }) {
      untranslated(section, name)
    }
  }

  private mutating func untranslated(_ section: Node, _ name: String) {
    let names = (section.mapping?.keys.compactMap { $0.scalar?.string } ?? []).joined(separator: ", ")
    guard section.mapping != nil || !section.elements.isEmpty else { return }
    notes.append(
      .init(
        file: file, line: section.mark?.line,
        text: "\(name)\(names.isEmpty ? "" : " (\(names))"): has no counterpart and was left out"))
  }
}
