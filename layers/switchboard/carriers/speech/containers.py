"""The lengths of MP4 and WebM, the containers of what browsers record.

A browser writes both while it records, so the length is often not in the header. It is then the sum of the fragments
(MP4), or the time of the last block (WebM).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_MP4_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"moof", b"traf", b"mvex"})

#: Ids of WebM elements (RFC 8794 and the Matroska specification).
_SEGMENT, _INFO, _CLUSTER, _BLOCK_GROUP = 0x18538067, 0x1549A966, 0x1F43B675, 0xA0
_SCALE, _DURATION, _CLUSTER_TIME, _SIMPLE_BLOCK, _BLOCK = 0x2AD7B1, 0x4489, 0xE7, 0xA3, 0xA1
_EBML_HEADER = 0x1A45DFA3
_WEBM_PARENTS = frozenset({_SEGMENT, _INFO, _CLUSTER, _BLOCK_GROUP})
_NANOSECONDS = 1_000_000_000


def read_mp4_seconds(content: bytes) -> float:
    """Returns the length of an MP4. Raises ValueError if it has no header of a movie."""
    whole, timescale, media_scale, default, fragments = 0.0, 0, 0, 0, 0
    for name, body in _boxes(content, 0, len(content)):
        if name == b"mvhd":
            timescale, whole = _scale_and_length(body)
        elif name == b"mdhd" and not media_scale:
            media_scale, _ = _scale_and_length(body)
        elif name == b"trex":
            default = struct.unpack_from(">I", body, 12)[0]
        elif name == b"tfhd":
            default = _fragment_default(body, default)
        elif name == b"trun":
            fragments += _run_length(body, default)
    if not timescale:
        raise ValueError("no header")
    return fragments / media_scale if fragments else whole / timescale


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
    """Returns the length of a WebM: its stated duration, or the time of its last block."""
    scale, stated, cluster, last = 1_000_000, 0.0, 0, 0
    for name, body in _elements(content):
        if name == _SCALE:
            scale = int.from_bytes(body, "big")
        elif name == _DURATION:
            stated = struct.unpack(">f" if len(body) == 4 else ">d", body)[0]
        elif name == _CLUSTER_TIME:
            cluster = int.from_bytes(body, "big")
        elif name in (_SIMPLE_BLOCK, _BLOCK):
            _, width = _number(body, 0)
            last = max(last, cluster + struct.unpack_from(">h", body, width)[0])
    return max(stated, last) * scale / _NANOSECONDS


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
