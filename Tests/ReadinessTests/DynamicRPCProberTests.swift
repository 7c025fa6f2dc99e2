// SPDX-License-Identifier: Apache-2.0

import PortReference
import Testing

@testable import Readiness

@Suite struct DynamicRPCProberTests {
  /// Ends included, few packets, no port twice.
  @Test func spreadsSamplesOverTheRange() {
    #expect(DynamicRPCProber.spread([Ports(49152...65535)]) == [49152, 54613, 60074, 65535])
    #expect(DynamicRPCProber.spread([Ports(50000)]) == [50000])
    #expect(DynamicRPCProber.spread([Ports(50000...50001)]) == [50000, 50001])
    #expect(DynamicRPCProber.spread([Ports(50000), Ports(50001), Ports(50000)]) == [50000, 50001])
    #expect(DynamicRPCProber.spread([]).isEmpty)
  }
}
