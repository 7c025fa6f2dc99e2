# SPDX-License-Identifier: Apache-2.0
"""Small valid JPEG pictures without an imaging library: a symmetric pattern of flat 8x8 blocks, a few hundred bytes each.

Baseline JPEG (ITU-T T.81): three components without subsampling; only DC coefficients are coded, every block ends at once.
"""
import struct

BLOCKS = 8  # a picture is 64 x 64 pixels


def _segment(marker, payload):
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


class _Bits:
    def __init__(self):
        self.out = bytearray()
        self.value = 0
        self.count = 0

    def put(self, value, length):
        for position in range(length - 1, -1, -1):
            self.value = self.value << 1 | (value >> position & 1)
            self.count += 1
            if self.count == 8:
                self._flush()

    def finish(self):
        while self.count:
            self.put(1, 1)
        return bytes(self.out)

    def _flush(self):
        self.out.append(self.value)
        if self.value == 0xFF:
            self.out.append(0)  # byte stuffing, T.81 B.1.1.5
        self.value = 0
        self.count = 0


def _ycc(red, green, blue):
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    return y, 128 - 0.168736 * red - 0.331264 * green + 0.5 * blue, 128 + 0.5 * red - 0.418688 * green - 0.081312 * blue


def jpeg(number):
    """The picture of a 32-bit number: its low bits choose the blocks, its high bits the colour."""
    pattern = number & 0xFFFFFF
    colour = ((number >> 8 & 0x7F) + 40, (number >> 16 & 0x7F) + 40, (number >> 24 & 0x7F) + 40)
    inked, paper = _ycc(*colour), _ycc(235, 235, 230)
    bits = _Bits()
    last = [0, 0, 0]
    for row in range(BLOCKS):
        for column in range(BLOCKS):
            index = (row * 3 + min(column, BLOCKS - 1 - column)) % 24
            sample = inked if pattern >> index & 1 else paper
            for component in range(3):
                # With a quantiser of 8 the DC coefficient is simply the level: 8 * (sample - 128) / 8.
                level = round(sample[component]) - 128
                difference = level - last[component]
                last[component] = level
                size = abs(difference).bit_length()
                bits.put(size, 4)  # the DC table below gives size s the code s in four bits
                if size:
                    bits.put(difference if difference > 0 else difference + (1 << size) - 1, size)
                bits.put(0, 1)  # end of block
    side = BLOCKS * 8
    frame = struct.pack(">BHHB", 8, side, side, 3) + b"".join(bytes([c, 0x11, 0]) for c in (1, 2, 3))
    dc_table = bytes([0x00] + [0, 0, 0, 10] + [0] * 12) + bytes(range(10))
    ac_table = bytes([0x10] + [1] + [0] * 15) + bytes([0])
    scan = bytes([3, 1, 0, 2, 0, 3, 0, 0, 63, 0])
    return (
        b"\xff\xd8" + _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
        + _segment(0xDB, bytes([0]) + bytes([8]) * 64) + _segment(0xC0, frame) + _segment(0xC4, dc_table)
        + _segment(0xC4, ac_table) + _segment(0xDA, scan) + bits.finish() + b"\xff\xd9")
