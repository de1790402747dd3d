"""The lengths of MP4 and WebM, the containers of what browsers record.

A browser writes both while it records, so the length is often not in the header. It is then the sum of the fragments
(MP4), or the time of the last block (WebM). All packets are counted too, because each of these times may be wrong.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from switchboard.carriers.speech.codecs import Codec, OpusPackets, VorbisPackets, read_codec

_MP4_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mvex"})
#: The sound in a packet, in samples, by the codec of a track.
_MP4_PACKETS = {b"mp4a": 1_024, b"Opus": 960, b"alac": 4_096, b"fLaC": 4_096, b".mp3": 1_152}

#: Ids of WebM elements (RFC 8794 and the Matroska specification).
_SEGMENT, _INFO, _CLUSTER, _BLOCK_GROUP = 0x18538067, 0x1549A966, 0x1F43B675, 0xA0
_SCALE, _DURATION, _CLUSTER_TIME, _SIMPLE_BLOCK, _BLOCK = 0x2AD7B1, 0x4489, 0xE7, 0xA3, 0xA1
_EBML_HEADER = 0x1A45DFA3
_TRACKS, _TRACK, _CODEC_NAME, _CODEC_HEAD, _ENCODINGS = 0x1654AE6B, 0xAE, 0x86, 0x63A2, 0x6D80
_WEBM_PARENTS = frozenset({_SEGMENT, _INFO, _CLUSTER, _BLOCK_GROUP, _TRACKS, _TRACK})
_LACED = 0x06
#: The largest block that may be cut off at the end. A player goes on after it.
_MAX_CUT_BYTES = 8_192
_NANOSECONDS = 1_000_000_000


def read_mp4_seconds(content: bytes) -> float:
    """Returns the length of an MP4 with one track. Raises ValueError if it has no header of a movie."""
    whole, timescale, media_scale, default, fragments = 0.0, 0, 0, 0, 0
    packets, packet_seconds = 0, 0.0
    for name, body in _boxes(content, 0, len(content)):
        if name == b"mvhd":
            timescale, whole = _scale_and_length(body)
        elif name == b"mdhd":
            if media_scale:
                raise ValueError("more than one track")
            media_scale, _ = _scale_and_length(body)
        elif name == b"stsd":
            packet_seconds = _packet_seconds(body)
        elif name == b"stsz":
            packets += struct.unpack_from(">I", body, 8)[0]
        elif name == b"trex":
            default = struct.unpack_from(">I", body, 12)[0]
        elif name == b"tfhd":
            default = _fragment_default(body, default)
        elif name == b"trun":
            packets += struct.unpack_from(">I", body, 4)[0]
            fragments += _run_length(body, default)
    if not (timescale and packet_seconds):
        raise ValueError("no header")
    # The last packets may be silence that is not played.
    sound = max(packets - 4, 0) * packet_seconds
    return max(fragments / media_scale if fragments else whole / timescale, sound)


def _packet_seconds(body: bytes) -> float:
    """Returns the length of a packet by the description of a track, whose samples a second are a fixed-point number."""
    count, codec = struct.unpack_from(">I4x4s", body, 4)
    if count != 1 or codec not in _MP4_PACKETS:
        raise ValueError("an unknown codec")
    return float(_MP4_PACKETS[codec] / (struct.unpack_from(">I", body, 8 + 32)[0] >> 16))


def _boxes(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    """Yields the boxes in the order of the file, without those that only contain others."""
    waiting = [(start, end)]
    while waiting:
        at, until = waiting.pop()
        if at + 8 > until:
            continue
        size, name = struct.unpack_from(">I4s", content, at)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", content, at + 8)[0], 16
        elif size == 0:
            size = until - at
        if size < head:
            raise ValueError("a box is damaged")
        inside = min(at + size, until)
        waiting.append((at + size, until))
        if name in _MP4_PARENTS:
            waiting.append((at + head, inside))
        elif name != b"mdat":
            yield name, content[at + head : inside]


def _scale_and_length(body: bytes) -> tuple[int, int]:
    scale, length = struct.unpack_from(">IQ", body, 20) if body[0] == 1 else struct.unpack_from(">II", body, 12)
    return scale, length


def _fragment_default(body: bytes, default: int) -> int:
    flags = int.from_bytes(body[1:4], "big")
    if not flags & 0x8:
        return default
    at = 8 + 8 * bool(flags & 0x1) + 4 * bool(flags & 0x2)
    return int(struct.unpack_from(">I", body, at)[0])


def _run_length(body: bytes, default: int) -> int:
    flags, count = int.from_bytes(body[1:4], "big"), struct.unpack_from(">I", body, 4)[0]
    if not flags & 0x100:
        return int(default * count)
    at = 8 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
    step = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    if at + step * count > len(body):
        raise ValueError("a run is damaged")
    return sum(struct.unpack_from(">I", body, at + step * each)[0] for each in range(count))


def read_webm_seconds(content: bytes) -> float:
    """Returns the length of a WebM with one track: its stated duration, the time of its last block, or its packets."""
    scale, stated, cluster, last = 1_000_000, 0.0, 0, 0
    codec_name, codec = b"", None
    for name, body in _elements(content):
        if name == _SCALE:
            scale = int.from_bytes(body, "big")
        elif name == _DURATION:
            stated = struct.unpack(">f" if len(body) == 4 else ">d", body)[0]
        elif name == _CLUSTER_TIME:
            cluster = int.from_bytes(body, "big")
        elif name == _CODEC_NAME:
            if codec_name:
                raise ValueError("more than one track")
            codec_name = body.rstrip(b"\0")
        elif name == _CODEC_HEAD:
            codec = _webm_codec(body)
        elif name == _ENCODINGS:
            raise ValueError("the packets are packed")
        elif name in (_SIMPLE_BLOCK, _BLOCK):
            _, width = _number(body, 0)
            last = max(last, cluster + struct.unpack_from(">h", body, width)[0])
            if body[width + 2] & _LACED or codec is None:
                raise ValueError("a block has several packets, or no codec")
            codec.add_packet(body[width + 3 :])
    if codec is None or codec_name != (b"A_OPUS" if isinstance(codec, OpusPackets) else b"A_VORBIS"):
        raise ValueError("an unknown codec")
    return codec.measure_seconds(max(stated, last) * scale / _NANOSECONDS)


def _webm_codec(head: bytes) -> Codec:
    """Returns the counter by the private data of a track. That of Vorbis are three packets (Xiph lacing)."""
    if head[:1] != b"\x02":
        return read_codec(head)
    at = 1
    for _ in range(2):
        while head[at] == 255:
            at += 1
        at += 1
    codec = read_codec(head[at:])
    if not isinstance(codec, VorbisPackets):
        raise ValueError("an unknown codec")  # noqa: TRY004 the bytes are wrong, and not a type
    return codec


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the elements in the order of the file. An element that contains others is only entered."""
    at, seen_header = 0, False
    while at < len(content):
        name, at = _element_id(content, at)
        size, at = _number(content, at)
        if not seen_header and name != _EBML_HEADER:
            raise ValueError("no header")
        seen_header = True
        if name in _WEBM_PARENTS:
            continue
        if size is None:
            raise ValueError("an element has no size")
        # The last block of a recording that was cut off is not complete.
        if at + size > len(content):
            if name not in (_SIMPLE_BLOCK, _BLOCK) or len(content) - at > _MAX_CUT_BYTES:
                raise ValueError("an element is damaged")
            return
        yield name, content[at : at + size]
        at += size


def _element_id(content: bytes, at: int) -> tuple[int, int]:
    width = 9 - content[at].bit_length()
    if width > 4:
        raise ValueError("an id is damaged")
    return int.from_bytes(content[at : at + width], "big"), at + width


def _number(content: bytes, at: int) -> tuple[int | None, int]:
    """Returns a number of variable width, and where it ends. All bits set means that it is not known."""
    width = 9 - content[at].bit_length()
    if width > 8:
        raise ValueError("a number is damaged")
    value = int.from_bytes(content[at : at + width], "big") & (1 << 7 * width) - 1
    return (None if value == (1 << 7 * width) - 1 else value), at + width
