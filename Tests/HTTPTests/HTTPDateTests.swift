// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTP
import Testing

@Suite struct HTTPDateTests {
  /// RFC 9110 5.6.7's example, the epoch, leap days; checked with date(1).
  @Test(arguments: [
    ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799), ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
    ("Thu, 29 Feb 2024 12:00:00 GMT", 1_709_208_000), ("Fri, 31 Dec 2100 23:59:60 GMT", 4_133_980_800),
  ])
  func dates(text: String, seconds: Int) { #expect(HTTPDate.seconds(text) == seconds) }

  @Test(arguments: [
    "", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Thu, 31 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 99999999999 08:49:37 GMT",
  ])
  func others(text: String) { #expect(HTTPDate.seconds(text) == nil) }

  @Test func readsRetryAfterInBothForms() {
    let now = Date(timeIntervalSince1970: 784_111_777)
    #expect(RetryAfter.parse("120", now: now) == .seconds(120))
    #expect(RetryAfter.parse("Sun, 06 Nov 1994 08:49:47 GMT", now: now) == .seconds(10))
    #expect(RetryAfter.parse("Sun, 06 Nov 1994 08:49:00 GMT", now: now) == .zero)
    for text in ["", "-1", "soon", "1.5", "Sun, 06 Nov 1994 08:49:47", "Sun, 06 Foo 1994 08:49:47 GMT"] {
      #expect(RetryAfter.parse(text, now: now) == nil)
    }
    #expect(RetryAfter.parse("99999999999999", now: now) == .seconds(1 << 31))
  }
}
