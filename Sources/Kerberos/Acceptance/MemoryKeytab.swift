// SPDX-License-Identifier: Apache-2.0

import CKerberos
import Synchronization
import Wire

/// A keytab of type MEMORY under a name of its own; libkrb5 wipes its keys with its last holder.
final class MemoryKeytab {
  private static let counter = Atomic<UInt64>(0)

  let name: String
  private let raw: krb5_keytab
  private let library: KerberosLibrary

  /// - Parameter keys: those of one principal, the newest first.
  init(_ library: KerberosLibrary, principal: Principal, keys: [ServiceKey]) throws(SecurityError) {
    let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
    name = "MEMORY:bridgehead-\(number)"
    var raw: krb5_keytab?
    try library.check(krb5_kt_resolve(library.context, name, &raw), "Making a keytab in memory")
    guard let raw else {
      throw SecurityError(.internalFailure, "No keytab handle.", remedy: "Report this as a defect.")
    }
    self.raw = raw
    self.library = library
    // Versions only tell entries apart: a ticket is tried with every key of its type.
    for (index, key) in keys.reversed().enumerated() { try add(key, principal, version: UInt32(index + 1)) }
  }

  deinit { krb5_kt_close(library.context, raw) }

  private func add(_ key: ServiceKey, _ principal: Principal, version: UInt32) throws(SecurityError) {
    let code = key.bytes.withBytes { bytes in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
      defer {
        Zeroing.wipe(copy)
        copy.deallocate()
      }
      copy.copyBytes(from: bytes)
      var entry = krb5_keytab_entry()
      entry.principal = principal.raw
      entry.vno = version
      entry.key.enctype = key.encryptionType.rawValue
      entry.key.length = UInt32(copy.count)
      entry.key.contents = copy.baseAddress?.assumingMemoryBound(to: UInt8.self)
      return krb5_kt_add_entry(library.context, raw, &entry)
    }
    try library.check(code, "Keeping a key in memory")
  }
}
