"""How long the packets of a codec are, read from their first bytes without decoding them.

Times in a container can be wrong, and a recognizer is paid for the sound that it decodes. So packets are counted.
"""

from __future__ import annotations

import re
import struct
from typing import Protocol

#: Milliseconds of an Opus frame, by the upper five bits of a packet (RFC 6716, section 3.1).
_OPUS_MILLISECONDS = (*(10, 20, 40, 60) * 3, *(10, 20) * 2, *(2.5, 5, 10, 20) * 4)
_OPUS_RATE = 48_000
#: The packets of Vorbis may be short or long ones. If all were long, they may take so much longer than is stated.
_VORBIS_FACTOR, _VORBIS_SLACK_SECONDS = 3, 5.0
_FLAC_RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)
_FLAC_SYNC = re.compile(b"\xff[\xf8\xf9]")
#: The most places that may be a frame. An hour has 40,000 frames of a usual size.
_MAX_FLAC_PLACES = 50_000


class Codec(Protocol):
    """Counts the packets of a stream. `skipped` are samples at its beginning that nobody hears."""

    rate: int
    skipped: int
    #: The packets before the sound, without the first one.
    more_headers: int

    def add_packet(self, packet: bytes) -> None:
        """Counts a packet. Raises ValueError or IndexError for a damaged one."""

    def measure_seconds(self, stated: float) -> float:
        """Returns the length of the packets, or the stated length if it is longer. Raises ValueError."""


class OpusPackets:
    """Opus: each packet says how long it is."""

    rate, more_headers = _OPUS_RATE, 1

    def __init__(self, skipped: int) -> None:
        self.skipped = skipped
        self._milliseconds = 0.0

    def add_packet(self, packet: bytes) -> None:
        if not packet:
            return
        code = packet[0] & 3
        frames = packet[1] & 63 if code == 3 else (code + 1) // 2 + 1 if code else 1
        self._milliseconds += frames * _OPUS_MILLISECONDS[packet[0] >> 3]

    def measure_seconds(self, stated: float) -> float:
        return max(stated, self._milliseconds / 1_000 - self.skipped / self.rate)


class VorbisPackets:
    """Vorbis: a packet has one of two lengths, which only a decoder knows."""

    skipped, more_headers = 0, 2

    def __init__(self, rate: int, longest: int) -> None:
        self.rate, self._longest = rate, longest
        self._packets = 0

    def add_packet(self, packet: bytes) -> None:
        self._packets += bool(packet)

    def measure_seconds(self, stated: float) -> float:
        most = self._packets * self._longest / 2 / self.rate
        if most > _VORBIS_FACTOR * stated + _VORBIS_SLACK_SECONDS:
            raise ValueError("there are too many packets for the stated length")
        return stated


class FlacPackets:
    """FLAC in Ogg: a packet is a frame."""

    skipped = 0

    def __init__(self, rate: int, more_headers: int) -> None:
        self.rate, self.more_headers = rate, more_headers
        self._seconds = 0.0

    def add_packet(self, packet: bytes) -> None:
        self._seconds += _flac_frame_seconds(packet, 0, self.rate)

    def measure_seconds(self, stated: float) -> float:
        return max(stated, self._seconds)


def read_codec(head: bytes) -> Codec:
    """Returns the counter for a stream by its first packet. Raises ValueError for an unknown codec."""
    if head.startswith(b"OpusHead"):
        return OpusPackets(struct.unpack_from("<H", head, 10)[0])
    if head.startswith(b"\x01vorbis"):
        return VorbisPackets(struct.unpack_from("<I", head, 12)[0], 1 << (head[28] >> 4))
    if head.startswith(b"\x7fFLAC"):
        return FlacPackets(int.from_bytes(head[27:30], "big") >> 4, int.from_bytes(head[7:9], "big"))
    raise ValueError("an unknown codec")


def read_flac_frame_seconds(content: bytes, rate: int) -> float:
    """Returns the sum of all frames of FLAC: of all places that are a header with a correct checksum."""
    seconds = 0.0
    for count, found in enumerate(_FLAC_SYNC.finditer(content)):
        if count == _MAX_FLAC_PLACES:
            raise ValueError("there are too many frames")
        seconds += _flac_frame_seconds(content, found.start(), rate)
    return seconds


def _flac_frame_seconds(content: bytes, at: int, rate: int) -> float:
    """Returns the length of the frame at a place, 0 if there is none."""
    head = content[at : at + 17]
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xFE != 0xF8 or head[3] & 1:
        return 0.0
    size_code, rate_code = head[2] >> 4, head[2] & 15
    first_zero = 8 - (head[4] ^ 0xFF).bit_length()
    place = 4 + max(first_zero, 1)
    size_bytes = {6: 1, 7: 2}.get(size_code, 0)
    rate_bytes = {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    end = place + size_bytes + rate_bytes
    if size_code == 0 or rate_code == 15 or first_zero == 1 or len(head) <= end or _crc8(head[:end]) != head[end]:
        return 0.0
    if size_bytes:
        samples = int.from_bytes(head[place : place + size_bytes], "big") + 1
    else:
        samples = 192 if size_code == 1 else 576 << size_code - 2 if size_code < 6 else 256 << size_code - 8
    told = int.from_bytes(head[place + size_bytes : end], "big") * {12: 1_000, 14: 10}.get(rate_code, 1)
    own = told if rate_bytes else _FLAC_RATES[rate_code] or rate
    return samples / own


def _crc8(head: bytes) -> int:
    crc = 0
    for byte in head:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc
