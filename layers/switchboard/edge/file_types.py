"""Media types of files by their first bytes, which are more reliable than the sender's Content-Type.

Only types with a simple signature are listed. For all others the sender's media type is used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

#: The number of bytes at the start of a file that the tests below need.
SIGNATURE_BYTES = 16

#: Aliases of the media types in the table below.
_ALIASES = {
    "audio/m4a": "audio/mp4",
    "audio/mp3": "audio/mpeg",
    "audio/opus": "audio/ogg",
    "audio/vnd.wave": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "image/jpg": "image/jpeg",
}
#: The media types that say nothing about the file.
_UNSTATED = frozenset({"", "application/octet-stream"})


def _begins(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(beginnings)


def _holds(at: int, *words: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[at:].startswith(words)


def _mpeg(head: bytes) -> bool:
    """Whether the file starts with an ID3 tag or an MPEG audio frame.

    A frame has eleven set bits, then a valid version, layer, bit rate and sample rate.
    """
    if head.startswith(b"ID3"):
        return True
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer, bit_rate, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer != 0 and bit_rate != 15 and rate != 3


def _adts(head: bytes) -> bool:
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0


_SIGNATURES: dict[str, Callable[[bytes], bool]] = {
    "application/pdf": _begins(b"%PDF-"),
    "audio/aac": _adts,
    "audio/flac": _begins(b"fLaC"),
    "audio/mp4": _holds(4, b"ftyp"),
    "audio/mpeg": _mpeg,
    "audio/ogg": _begins(b"OggS"),
    "audio/wav": lambda head: head.startswith((b"RIFF", b"RF64")) and head[8:12] == b"WAVE",
    # EBML, the container of WebM and Matroska.
    "audio/webm": _begins(b"\x1a\x45\xdf\xa3"),
    "image/gif": _begins(b"GIF87a", b"GIF89a"),
    "image/jpeg": _begins(b"\xff\xd8\xff"),
    "image/png": _begins(b"\x89PNG\r\n\x1a\n"),
    "image/webp": lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP",
    "video/mp4": _holds(4, b"ftyp"),
    "video/webm": _begins(b"\x1a\x45\xdf\xa3"),
}


def canonical_type(media_type: str) -> str:
    """Returns the canonical name of a media type."""
    return _ALIASES.get(media_type, media_type)


def detect_type(stated: str, head: bytes, types: Collection[str]) -> str | None:
    """Returns the media type of a file if it is one of `types`, else `None`. The file's bytes must match the type.

    Without a stated type, or with `application/octet-stream`, the first bytes decide.
    """
    stated = canonical_type(stated)
    if stated in _UNSTATED:
        return next((one for one in sorted(types) if one in _SIGNATURES and _SIGNATURES[one](head)), None)
    test = _SIGNATURES.get(stated)
    return stated if stated in types and (test is None or test(head)) else None
