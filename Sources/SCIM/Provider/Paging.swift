// SPDX-License-Identifier: Apache-2.0

/// A page of an ordered result (RFC 7644 3.4.2.4).
package struct Paging: Sendable, Hashable {
  /// 1-based; less than one is one.
  package let startIndex: Int
  /// The most resources on the page; zero asks for the number of results alone, and less than zero is zero.
  package let count: Int

  /// - Parameter maximum: the most resources that the service puts on a page, also when the client asks for more.
  package init(startIndex: Int?, count: Int?, maximum: Int) {
    self.startIndex = max(1, startIndex ?? 1)
    self.count = max(0, min(count ?? maximum, maximum))
  }

  /// How many results come before the page.
  package var offset: Int { startIndex - 1 }

  /// The page's part of a result that is wholly at hand.
  package func slice<Element>(_ all: [Element]) -> ArraySlice<Element> { all.dropFirst(offset).prefix(count) }
}
