// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@Suite struct SegmentTests {
  @Test func knowsSegmentsThatFollowEachOther() {
    #expect(Segment.areOrdered([.signed(0..<24), .sealed(24..<40), .signed(40..<48)], within: 48))
    #expect(Segment.areOrdered([.signed(0..<24), .sealed(32..<32)], within: 32))
    #expect(Segment.areOrdered([], within: 0))
  }

  @Test func refusesOverlapDisorderAndExcess() {
    #expect(!Segment.areOrdered([.signed(0..<24), .sealed(23..<40)], within: 48))
    #expect(!Segment.areOrdered([.sealed(24..<40), .signed(0..<24)], within: 48))
    #expect(!Segment.areOrdered([.sealed(24..<49)], within: 48))
    #expect(!Segment.areOrdered([.sealed(-1..<4)], within: 48))
  }
}
