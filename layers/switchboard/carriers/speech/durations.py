"""How long recorded audio is, read from its structure without decoding it.

Each reader walks over the parts of a format, in time that is linear in the number of bytes. It raises ValueError for
bytes that are not of the format, or whose length cannot be known.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from switchboard.carriers.speech import UnreadableAudioError
from switchboard.carriers.speech.containers import read_mp4_seconds, read_webm_seconds

_MPEG_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
#: Kilobits a second of layers III, II and I, for MPEG 1 and for the later versions.
_MPEG_1 = {
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
}
_MPEG_2 = {
    1: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    3: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
}
_OPUS_RATE = 48_000
#: The size in a header of a WAV that was written while it was recorded.
_UNKNOWN_SIZE = 0xFFFFFFFF


class _MpegFrame(NamedTuple):
    size: int
    seconds: float


def measure_seconds(media_type: str, content: bytes) -> float:
    """Returns the length of a recording in seconds. Raises UnreadableAudioError."""
    try:
        seconds = _READERS[media_type](content)
    except (KeyError, IndexError, ValueError, ZeroDivisionError, struct.error) as error:
        raise UnreadableAudioError(f"not a complete {media_type}") from error
    if not seconds > 0:
        raise UnreadableAudioError("there is no sound")
    return seconds


def _read_wav_seconds(content: bytes) -> float:
    at, byte_rate = 12, 0
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        if name == b"fmt ":
            byte_rate = struct.unpack_from("<I", content, at + 16)[0]
        elif name == b"data":
            present = len(content) - at - 8
            # A file that is written while it is recorded has no size yet. A file that was cut off has too large a size.
            return (present if size == _UNKNOWN_SIZE else min(size, present)) / byte_rate
        at += 8 + size + size % 2
    raise ValueError("no data")


def _read_flac_seconds(content: bytes) -> float:
    if content[4] & 0x7F != 0 or len(content) < 26:
        raise ValueError("no stream information")
    packed = int.from_bytes(content[18:26], "big")
    return (packed & (1 << 36) - 1) / (packed >> 44)


def _read_ogg_seconds(content: bytes) -> float:
    """The position of the last page of the first stream. Opus always counts at 48 kHz."""
    first, last, rate, skipped = -1, 0, 0, 0
    for serial, position, body in _ogg_pages(content):
        if first == -1:
            first = serial
            if body.startswith(b"OpusHead"):
                rate, skipped = _OPUS_RATE, struct.unpack_from("<H", body, 10)[0]
            elif body.startswith(b"\x01vorbis"):
                rate = struct.unpack_from("<I", body, 12)[0]
            elif body.startswith(b"\x7fFLAC"):
                rate = int.from_bytes(body[27:30], "big") >> 4
            else:
                raise ValueError("an unknown codec")
        elif serial == first and position >= 0:
            last = max(last, position)
    return (last - skipped) / rate


def _ogg_pages(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yields the serial number, the position and the bytes of each page."""
    at = 0
    while at + 27 <= len(content):
        magic, position, serial = struct.unpack_from("<4s2xqI", content, at)
        if magic != b"OggS":
            raise ValueError("a page is damaged")
        count = content[at + 26]
        start = at + 27 + count
        size = sum(content[at + 27 : start])
        yield serial, position, content[start : start + size]
        at = start + size


def _read_mpeg_seconds(content: bytes) -> float:
    at, seconds = 0, 0.0
    if content.startswith(b"ID3"):
        size = content[6] << 21 | content[7] << 14 | content[8] << 7 | content[9]
        at = 10 + size
    while (frame := _mpeg_frame(content, at)) is not None:
        seconds += frame.seconds
        at += frame.size
    return seconds


def _mpeg_frame(content: bytes, at: int) -> _MpegFrame | None:
    head = content[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bits, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 0 or bits in (0, 15) or rate == 3:
        return None
    hertz = _MPEG_RATES[version][rate]
    bit_rate = 1_000 * (_MPEG_1 if version == 3 else _MPEG_2)[layer][bits - 1]
    if layer == 3:
        return _MpegFrame((12 * bit_rate // hertz + padding) * 4, 384 / hertz)
    samples = 576 if layer == 1 and version != 3 else 1_152
    return _MpegFrame(samples // 8 * bit_rate // hertz + padding, samples / hertz)


_READERS: dict[str, Callable[[bytes], float]] = {
    "audio/flac": _read_flac_seconds,
    "audio/mp4": read_mp4_seconds,
    "audio/mpeg": _read_mpeg_seconds,
    "audio/ogg": _read_ogg_seconds,
    "audio/wav": _read_wav_seconds,
    "audio/webm": read_webm_seconds,
}
#: The types whose length can be read.
MEDIA_TYPES = frozenset(_READERS)
