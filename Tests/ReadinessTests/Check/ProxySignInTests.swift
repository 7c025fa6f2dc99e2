// SPDX-License-Identifier: Apache-2.0

import HTTP
import Synchronization
import Testing
import Wire

@testable import Readiness

/// An account for the HTTP proxy: offered each time, and never again once it was refused.
@Suite struct ProxySignInTests {
  private static let proxy = Endpoint(host: "192.0.2.80", port: 8080)

  private static func context() -> ProbeContext {
    var context = CheckSupport.context(seconds: 60)
    context.proxySignIn = ProxySignIn(.init(user: "svc-sync", password: SecretBytes(Array("secret".utf8))))
    return context
  }

  private final class Count: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
  }

  /// How often the proxy was asked by a hundred requests at once, and what they got.
  private static func ask(_ answer: @escaping @Sendable () throws -> Void) async -> (asked: Int, errors: [HTTPError]) {
    let asked = Count()
    let context = context()
    let errors = await withTaskGroup(of: HTTPError?.self) { group in
      for _ in 0..<100 {
        group.addTask {
          do {
            try await context.asking(proxy) { proxy in
              asked.add()
              #expect(proxy.endpoint == Self.proxy && proxy.credentials?.user == "svc-sync")
              try answer()
            }
            return nil
          } catch { return error as? HTTPError }
        }
      }
      return await group.reduce(into: [HTTPError?]()) { $0.append($1) }.compactMap { $0 }
    }
    return (asked.value, errors)
  }

  @Test func aRefusedAccountIsOfferedOnce() async {
    let (asked, errors) = await Self.ask {
      var error = HTTPError(.proxyAuthenticationRequired, "refused")
      error.refusal = ProxyRefusal(status: 407, schemes: ["Basic"], hadCredentials: true)
      throw error
    }
    #expect(asked == 1 && errors.count == 100)
    #expect(errors.allSatisfy { $0.refusal?.status == 407 && $0.refusal?.hadCredentials == true })
    #expect(errors.count { $0.message.contains("refused the account already") } == 99)
  }

  @Test(arguments: [HTTPError.Code.proxyForbidden, .proxyFailed, .timedOut])
  func otherFailuresStopNobody(_ code: HTTPError.Code) async {
    let (asked, errors) = await Self.ask { throw HTTPError(code, "something else") }
    #expect(asked == 100 && errors.allSatisfy { $0.code == code })
  }

  @Test func anAcceptedAccountIsOfferedEachTime() async {
    let (asked, errors) = await Self.ask {}
    #expect(asked == 100 && errors.isEmpty)
  }
}
