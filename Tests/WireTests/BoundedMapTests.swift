// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@Suite struct BoundedMapTests {
  @Test func theTenthThatWasWrittenLongestAgoIsForgotten() {
    var map = BoundedMap<Int, String>(capacity: 100)
    for key in 0..<100 { map[key] = "\(key)" }
    // Written again, so no longer among the oldest; reading alone changes nothing.
    map[0] = "again"
    #expect(map[1] == "1" && map.count == 100)
    map[100] = "100"
    #expect(map.count == 91)
    #expect((1...10).allSatisfy { map[$0] == nil })
    #expect(map[0] == "again" && map[11] == "11" && map[100] == "100")
  }

  @Test func whoFloodsItDoesNotDisplaceWhatIsInUse() {
    var map = BoundedMap<Int, Int>(capacity: 50)
    for key in 1...5_000 {
      map[0] = key
      map[key] = key
      #expect(map.count <= 50)
    }
    #expect(map[0] == 5_000)
  }

  @Test func whatIsTakenOutMakesRoom() {
    var map = BoundedMap<Int, Int>(capacity: 2)
    (map[1], map[2]) = (1, 2)
    map[1] = nil
    map[3] = 3
    #expect(map[2] == 2 && map[3] == 3)
    map.removeAll { $0 == 2 }
    #expect(map.count == 1 && map[2] == nil)
    var least = BoundedMap<Int, Int>(capacity: 0)
    least[1] = 1
    least[2] = 2
    #expect(least.count == 1 && least[2] == 2)
  }
}
