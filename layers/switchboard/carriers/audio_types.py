"""Recognizes audio by its first bytes, because a provider's media type is only a claim."""

from __future__ import annotations

_WAV, _MP3 = "audio/wav", "audio/mpeg"
_SYNC_BYTE, _SYNC_BITS = 0xFF, 0xE0


def media_type_of(content: bytes) -> str | None:
    """Returns the media type of WAV or MP3, `None` for anything else."""
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return _WAV
    if content[:3] == b"ID3":
        return _MP3
    if len(content) > 1 and content[0] == _SYNC_BYTE and content[1] & _SYNC_BITS == _SYNC_BITS:
        return _MP3
    return None


def extension_of(media_type: str) -> str:
    """Returns the ending of a file's name for a media type."""
    return "wav" if media_type == _WAV else "mp3"
