"""How long recorded audio is, read from its structure without decoding it.

Each reader walks over the parts of a format, in time that is linear in the number of bytes. It raises ValueError for
bytes that are not of the format, or whose length cannot be known.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from switchboard.carriers.speech import UnreadableAudioError
from switchboard.carriers.speech.codecs import read_codec, read_flac_frame_seconds
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
#: The sizes in a header of a WAV that was written while it was recorded.
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
#: The bits of a sample by codec: PCM, floating-point PCM, A-law and mu-law.
_WAV_BITS = {1: (8, 16, 24, 32), 3: (32, 64), 6: (8,), 7: (8,)}
_WAV_EXTENSIBLE = 0xFFFE
_FIRST_PAGE = 0x02
#: The most packets of an Ogg. An hour has 180,000 of a usual length.
_MAX_OGG_PACKETS = 500_000
#: The most bytes after the frames of an MP3, for the tags of players.
_MAX_MPEG_TAIL_BYTES = 16_384


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
    """The bytes of all data by the format: players compute it so, and ignore the stated bytes a second."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise ValueError("no header")
    at, byte_rate, sound = 12, 0, 0
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        if name == b"fmt ":
            if byte_rate:
                raise ValueError("two formats")
            byte_rate = _wav_byte_rate(content[at + 8 : at + 8 + size])
        elif name == b"data":
            present = len(content) - at - 8
            # A file that is written while it is recorded has no size yet. A file that was cut off has too large a size.
            size = present if size in _UNKNOWN_SIZES else min(size, present)
            sound += size
        at += 8 + size + size % 2
    return sound / byte_rate


def _wav_byte_rate(form: bytes) -> int:
    tag, channels, rate, bits = struct.unpack_from("<HHI6xH", form)
    if tag == _WAV_EXTENSIBLE:
        tag = struct.unpack_from("<H", form, 24)[0]
    if bits not in _WAV_BITS.get(tag, ()):
        raise ValueError("an unknown codec")
    return int(channels * rate * bits // 8)


def _read_flac_seconds(content: bytes) -> float:
    """The sum of the frames, or the stated length if it is longer. The stated length may be missing or wrong."""
    if content[:4] != b"fLaC" or content[4] & 0x7F != 0 or len(content) < 26:
        raise ValueError("no stream information")
    packed = int.from_bytes(content[18:26], "big")
    rate, stated = packed >> 44, packed & (1 << 36) - 1
    return max(stated / rate, read_flac_frame_seconds(content, rate))


def _read_ogg_seconds(content: bytes) -> float:
    """The length of a file with one stream: the sum of its packets, because the positions of pages may be wrong.

    Another stream, beside the first or after it, is refused.
    """
    last, codec, packet, own = 0, None, b"", None
    headers = count = 0
    for serial, kind, position, packets, is_open in _ogg_pages(content):
        if own is None:
            own = serial
        elif serial != own or kind & _FIRST_PAGE:
            raise ValueError("more than one stream")
        last = max(last, position)
        count += len(packets)
        if count > _MAX_OGG_PACKETS:
            raise ValueError("there are too many packets")
        for at, part in enumerate(packets):
            packet += part
            if is_open and at == len(packets) - 1:
                break
            if codec is None:
                codec = read_codec(packet)
            elif headers < codec.more_headers:
                headers += 1
            else:
                codec.add_packet(packet)
            packet = b""
    if codec is None:
        raise ValueError("no stream")
    return codec.measure_seconds((last - codec.skipped) / codec.rate)


def _ogg_pages(content: bytes) -> Iterator[tuple[int, int, int, list[bytes], bool]]:
    """Yields each page: its serial number, kind, position and packets, and whether its last packet goes on."""
    at = 0
    while at + 27 <= len(content):
        magic, kind, position, serial = struct.unpack_from("<4sxBqI", content, at)
        if magic != b"OggS":
            raise ValueError("a page is damaged")
        sizes = content[at + 27 : at + 27 + content[at + 26]]
        start = at = at + 27 + content[at + 26]
        packets: list[bytes] = []
        for size in sizes:
            at += size
            if size < 255:
                packets.append(content[start:at])
                start = at
        is_open = start < at or sizes[-1:] == b"\xff"
        yield serial, kind, position, [*packets, content[start:at]] if is_open else packets, is_open


def _read_mpeg_seconds(content: bytes) -> float:
    at, seconds = 0, 0.0
    if content.startswith(b"ID3"):
        size = content[6] << 21 | content[7] << 14 | content[8] << 7 | content[9]
        at = 10 + size
    while (frame := _mpeg_frame(content, at)) is not None:
        seconds += frame.seconds
        at += frame.size
    # A player looks for the next frame after bytes that are none.
    if len(content) - at > _MAX_MPEG_TAIL_BYTES:
        raise ValueError("the frames are interrupted")
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
