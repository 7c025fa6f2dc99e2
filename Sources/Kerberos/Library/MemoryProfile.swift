// SPDX-License-Identifier: Apache-2.0

import CKerberos
import Glibc

/// A libkrb5 configuration that exists in memory only: neither /etc/krb5.conf nor a temporary file nor the environment.
final class MemoryProfile {
  private let relations: [[String]: String]

  init(_ relations: [[String]: String]) { self.relations = relations }

  /// - Returns: a profile handle that the caller releases, nil when memory is short.
  func makeHandle() -> profile_t? {
    var methods = profile_vtable()
    methods.minor_ver = 1
    methods.get_values = { data, names, result in
      guard let data, let names, let result else { return PROF_NO_RELATION }
      return Unmanaged<MemoryProfile>.fromOpaque(data).takeUnretainedValue().values(names, result)
    }
    methods.free_values = { _, values in
      guard let values else { return }
      var index = 0
      while let value = values[index] {
        free(value)
        index += 1
      }
      free(values)
    }
    methods.copy = { data, result in
      guard let data, let result else { return Int(EINVAL) }
      result.pointee = Unmanaged.passRetained(Unmanaged<MemoryProfile>.fromOpaque(data).takeUnretainedValue())
        .toOpaque()
      return 0
    }
    methods.cleanup = { data in
      guard let data else { return }
      Unmanaged<MemoryProfile>.fromOpaque(data).release()
    }
    let data = Unmanaged.passRetained(self)
    var handle: profile_t?
    guard profile_init_vtable(&methods, data.toOpaque(), &handle) == 0 else {
      data.release()
      return nil
    }
    return handle
  }

  private func values(
    _ names: UnsafePointer<UnsafePointer<CChar>?>,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
  ) -> Int {
    var path: [String] = []
    while let name = names[path.count] { path.append(String(cString: name)) }
    guard let value = relations[path] else { return PROF_NO_RELATION }
    let size = MemoryLayout<UnsafeMutablePointer<CChar>?>.stride
    guard let list = calloc(2, size)?.assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self) else {
      return Int(ENOMEM)
    }
    // An empty list would read as a relation that is not there, which has a default.
    guard let copy = strdup(value) else {
      free(list)
      return Int(ENOMEM)
    }
    list[0] = copy
    result.pointee = list
    return 0
  }
}
