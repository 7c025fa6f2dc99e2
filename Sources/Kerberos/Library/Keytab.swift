// SPDX-License-Identifier: Apache-2.0

import CKerberos
import Wire

/// A keytab file, examined before libkrb5 uses it so that each fault has a name.
struct Keytab: ~Copyable {
  let raw: krb5_keytab
  private let library: KerberosLibrary

  init(
    _ library: KerberosLibrary, path: String, principal: Principal, encryptionTypes: [EncryptionType]
  ) throws(SecurityError) {
    try Self.examine(path)
    var raw: krb5_keytab?
    try library.check(krb5_kt_resolve(library.context, "FILE:" + path, &raw), "Opening keytab \(path)")
    guard let raw else {
      throw SecurityError(.internalFailure, "No keytab handle.", remedy: "Report this as a defect.")
    }
    do {
      try Self.requireKey(library, raw, path: path, principal: principal, encryptionTypes: encryptionTypes)
    } catch {
      krb5_kt_close(library.context, raw)
      throw error
    }
    self.library = library
    self.raw = raw
  }

  deinit { krb5_kt_close(library.context, raw) }

  /// A key is as good as a password: everyone on the machine must not have it.
  private static func examine(_ path: String) throws(SecurityError) {
    do throws(SecretFileError) { try SecretFile.examine(path, "keytab") } catch {
      let remedy =
        switch error.cause {
        case .missing: "Export one (samba-tool domain exportkeytab, ktpass or adutil) and name its path."
        case .exposed: "chmod 600 \(path), and give the account a new key if others may have read it."
        case .notRegular: "Name the path of a keytab file."
        case .unreadable, .tooLarge, .empty:
          "Make the file readable for the user that runs Bridgehead, and for no one else."
        }
      throw SecurityError(.badCredentialSource, error.message, remedy: remedy)
    }
  }

  /// Names shown when the wanted principal is not among them.
  private static let namesShown = 5
  /// A keytab with more entries is no keytab of ours.
  private static let maximumEntries = 10_000

  private static func requireKey(
    _ library: KerberosLibrary, _ keytab: krb5_keytab, path: String, principal: Principal,
    encryptionTypes: [EncryptionType]
  ) throws(SecurityError) {
    var cursor: krb5_kt_cursor?
    let code = krb5_kt_start_seq_get(library.context, keytab, &cursor)
    guard code == 0 else {
      throw SecurityError(
        .badCredentialSource, "The keytab \(path) cannot be read: \(library.text(code)).",
        remedy: "Export the keytab again; the file must have the MIT keytab format.")
    }
    var others: [String] = []
    var types: [Int32] = []
    var entry = krb5_keytab_entry()
    var count = 0
    while count < maximumEntries, krb5_kt_next_entry(library.context, keytab, &entry, &cursor) == 0 {
      count += 1
      if krb5_principal_compare(library.context, entry.principal, principal.raw) != 0 {
        types.append(entry.key.enctype)
      } else if others.count < namesShown {
        let name = library.name(entry.principal)
        if !others.contains(name) { others.append(name) }
      }
      krb5_free_keytab_entry_contents(library.context, &entry)
    }
    krb5_kt_end_seq_get(library.context, keytab, &cursor)
    guard !types.isEmpty else {
      throw SecurityError(
        .badCredentialSource,
        "The keytab \(path) has no key for \(principal.name); it has \(others.isEmpty ? "none at all" : others.joined(separator: ", ")).",
        remedy: "Export a keytab for \(principal.name), or set the principal to one that the keytab holds.")
    }
    guard types.contains(where: { type in encryptionTypes.contains { $0.rawValue == type } }) else {
      let names = Set(types).sorted().map(EncryptionType.name).joined(separator: ", ")
      throw SecurityError(
        .unsupportedEncryption,
        "The keytab \(path) holds only keys for \(principal.name) that may not be used: \(names).",
        remedy: "Export a keytab with AES keys, or allow that encryption type.")
    }
  }
}
