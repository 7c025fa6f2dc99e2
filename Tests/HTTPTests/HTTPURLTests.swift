// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import HTTP

@Suite struct HTTPURLTests {
  @Test(arguments: [
    ("http://a", "http", "a", 80, "/", "a"),
    ("https://A.Example/x?y=1#z", "https", "a.example", 443, "/x?y=1", "a.example"),
    ("HTTPS://a:8443?q", "https", "a", 8443, "/?q", "a:8443"),
    ("http://[::1]:81/", "http", "::1", 81, "/", "[::1]:81"),
    ("http://127.0.0.1:80/a%20b", "http", "127.0.0.1", 80, "/a%20b", "127.0.0.1"),
  ])
  func parses(_ text: String, _ scheme: String, _ host: String, _ port: Int, _ target: String, _ authority: String)
    throws
  {
    let url = try HTTPURL(text)
    #expect(url.scheme.rawValue == scheme && url.host == host && url.port == port && url.target == target)
    #expect(url.authority == authority)
    #expect(try HTTPURL(url.description) == url)
  }

  @Test(arguments: [
    "", "a", "ftp://a/", "http:/a", "http://", "http://:80/", "http://u:p@a/", "http://a:0/", "http://a:65536/",
    "http://a:x/", "http://a b/", "http://a/b c", "http://a/\r\nX: y", "http://ä/", "http://a/ä", "http://[::1/",
    "http://[::1]x/", "http://[a]/", "http://a/" + String(repeating: "x", count: 8_000),
  ])
  func refuses(_ text: String) {
    let error = #expect(throws: HTTPError.self) { _ = try HTTPURL(text) }
    #expect(error?.code == .badRequest)
  }

  @Test func resolvesReferences() throws {
    let base = try HTTPURL("https://a.example/x/y")
    #expect(try base.resolving("/z").description == "https://a.example/z")
    #expect(try base.resolving("//b.example/z").description == "https://b.example/z")
    #expect(try base.resolving("http://b.example/").description == "http://b.example/")
    #expect(throws: HTTPError.self) { _ = try base.resolving("z") }
  }

  @Test func fieldsCompareWithoutCase() {
    var fields: HTTPFields = ["Content-Type": "a", "X": "1", "x": "2"]
    #expect(fields["content-type"] == "a")
    #expect(fields.all("X") == ["1", "2"])
    fields["x"] = "3"
    #expect(fields.all("X") == ["3"])
    fields["x"] = nil
    #expect(fields["X"] == nil)
    #expect(fields.firstInvalid() == nil)
    fields.add("bad name", "v")
    #expect(fields.firstInvalid() == "bad name")
    #expect((["Good": "a\r\nInjected: b"] as HTTPFields).firstInvalid() == "Good")
  }

  @Test(arguments: [
    ("*", true), ("example.com", true), (".example.com", true), ("*.example.com", true), ("api.example.com", true),
    ("ample.com", false), ("example.com:443", true), ("example.com:80", false), ("10.0.0.1", false), ("", false),
  ])
  func proxyExceptions(_ exception: String, _ direct: Bool) {
    let proxy = HTTPProxy(endpoint: Endpoint(host: "proxy", port: 8080), exceptions: [exception])
    #expect(proxy.applies(to: Endpoint(host: "api.example.com", port: 443)) != direct)
  }

  @Test func proxyExceptionsForAddresses() {
    let proxy = HTTPProxy(endpoint: Endpoint(host: "proxy", port: 8080), exceptions: ["::1", "[::2]:443", "10.0.0.1"])
    #expect(!proxy.applies(to: Endpoint(host: "::1", port: 443)))
    #expect(!proxy.applies(to: Endpoint(host: "::2", port: 443)))
    #expect(proxy.applies(to: Endpoint(host: "::2", port: 80)))
    #expect(!proxy.applies(to: Endpoint(host: "10.0.0.1", port: 1)))
  }
}
