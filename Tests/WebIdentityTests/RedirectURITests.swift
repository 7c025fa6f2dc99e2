// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebIdentity

@Suite struct RedirectURITests {
  @Test(arguments: [
    ("https://app.example/callback?x=1", "https://app.example"),
    ("https://app.example:8443/", "https://app.example:8443"),
    ("https://[::1]:8443/cb", "https://[::1]:8443"), ("http://localhost", "http://localhost"),
    ("http://127.0.0.1:5000/cb", "http://127.0.0.1:5000"), ("com.example.app:/signed-in", "com.example.app:"),
  ])
  func isAccepted(_ text: String, _ origin: String) throws {
    #expect(try RedirectURI(text).origin == origin)
  }

  @Test(arguments: [
    "", "app.example", "/callback", "http://app.example/", "javascript:alert(1)", "data:text/html,x", "https://",
    "https://user@app.example/", "https://user:pw@app.example/", "https://app.example/#x", "https://app.example/*",
    "https://app.example/ x", "https://app.example/\r\nx: y", "https://app.example/\"", "https://app.example/<",
    "https://a;b/",
    "https://app.example:0/", "https://app.example:99999/", "https://app.example:+1/", "https://App.example/",
    "myapp:/x",
    "https://app.example/ä", "https://app.example\\@evil.example/", "http://localhost.evil.example/",
    "https://" + String(repeating: "a", count: 2000),
  ])
  func isRefused(_ text: String) {
    #expect(throws: RedirectURIError.self) { try RedirectURI(text) }
  }

  @Test func onlyTheLoopbackPortMayDiffer() throws {
    let covers = { (one: String, other: String) in try RedirectURI(one).covers(try RedirectURI(other)) }
    #expect(try covers("http://localhost", "http://localhost:49152"))
    #expect(try covers("http://127.0.0.1/cb", "http://127.0.0.1:1/cb"))
    #expect(try !covers("http://127.0.0.1/cb", "http://127.0.0.1:1/cb/"))
    #expect(try !covers("http://127.0.0.1/cb", "http://127.0.0.1:1/cb?x=1"))
    #expect(try !covers("http://localhost", "http://127.0.0.1"))
    #expect(try !covers("https://localhost/", "https://localhost:1/"))
    #expect(try !covers("https://app.example/cb", "https://app.example/cb2"))
    #expect(try !covers("https://app.example/cb", "https://app.example/CB"))
    #expect(try !covers("https://app.example/cb", "https://app.example:443/cb"))
  }

  @Test func addsToAQuery() throws {
    #expect(try RedirectURI("https://a.example/c").adding([("s", "\r\n x")]) == "https://a.example/c?s=%0D%0A%20x")
    #expect(try RedirectURI("https://a.example/c?y=1").adding([("s", "1")]) == "https://a.example/c?y=1&s=1")
  }
}
