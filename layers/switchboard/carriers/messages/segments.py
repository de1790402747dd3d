"""The segments of a text, as carriers count and bill them.

A text of one segment has 160 septets (GSM-7) or 70 units of UTF-16 (UCS-2). A longer text is sent in parts. Each part
has a header of six bytes, so 153 septets or 67 units are left. A character of the extension table takes two septets.

A character that takes several units is in one segment: an extension character with its escape, a surrogate pair, and a
letter with its marks, or an emoji of several parts, which people see as one character.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple


class Encoding(StrEnum):
    """The encoding of a text on the air: seven bits a character, or sixteen."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


class Segments(NamedTuple):
    """The encoding of a text, its length in septets or units of UTF-16 without headers, and its segments."""

    encoding: Encoding
    units: int
    segments: int


#: The default alphabet and the extension table of GSM 03.38.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM = _BASIC | _EXTENDED
#: The units of a text in one segment, and of each part of a longer one.
_WHOLE = {Encoding.GSM_7: 160, Encoding.UCS_2: 70}
_PART = {Encoding.GSM_7: 153, Encoding.UCS_2: 67}

_JOINER = "\u200d"
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
#: The letters of Korean syllables that are written in parts: first consonants, vowels, last consonants.
_LEADING, _VOWELS, _TRAILING = range(0x1100, 0x1160), range(0x1160, 0x11A8), range(0x11A8, 0x1200)
_MARKS = frozenset({"Mn", "Me", "Mc"})

#: The characters that `to_gsm` replaces.
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u02bc\u0060", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043", "-"),
        **dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f", " "),
        **dict.fromkeys("\u2028\u2029", "\n"),
        **dict.fromkeys("\u200b\u2060\ufeff\u00ad", ""),
        "\u2026": "...",
        "\u2022": "-",
        "\u2039": "<",
        "\u203a": ">",
        "\t": " ",
    }
)


def count_segments(body: str) -> Segments:
    """Returns the segments of a text. An empty text, for example one with media only, has one."""
    if _GSM.issuperset(body):
        units = len(body) + sum(body.count(sign) for sign in _EXTENDED)
        return _counted(Encoding.GSM_7, units, (1 + (sign in _EXTENDED) for sign in body))
    units = _utf_16_units(body)
    return _counted(Encoding.UCS_2, units, map(_utf_16_units, _clusters(body)))


def _counted(encoding: Encoding, units: int, sizes: Iterable[int]) -> Segments:
    """Returns the segments of signs with these sizes. A sign that does not fit begins the next segment."""
    if units <= _WHOLE[encoding]:
        return Segments(encoding, units, 1)
    part = _PART[encoding]
    segments, used = 1, 0
    for size in sizes:
        if size <= part < used + size:
            segments, used = segments + 1, 0
        # A sign that fits in no segment, for example a letter with a hundred marks, is split.
        full = max(0, used + size - 1) // part
        segments, used = segments + full, used + size - full * part
    return Segments(encoding, units, segments)


def to_gsm(text: str) -> str:
    """Returns the text in GSM-7: with plain quotes, dashes, dots and spaces for typographic ones.

    A text that has other characters as well stays as it is, because the replacement would save nothing.
    """
    plain = unicodedata.normalize("NFC", text).translate(_PLAIN)
    return plain if _GSM.issuperset(plain) else text


def _utf_16_units(text: str) -> int:
    return len(text) + sum(sign > "\uffff" for sign in text)


def _clusters(text: str) -> Iterator[str]:
    """Yields the characters as people see them, each with its marks and joined parts."""
    begin = 0
    for place in range(1, len(text)):
        if not _belong_together(text, begin, place):
            yield text[begin:place]
            begin = place
    if text:
        yield text[begin:]


def _belong_together(text: str, begin: int, place: int) -> bool:
    """Whether the sign at `place` continues the cluster that starts at `begin`."""
    before, sign = text[place - 1], text[place]
    if before in "\r\n\0" or sign in "\r\n\0":
        return False
    code, last = ord(sign), ord(before)
    if sign == _JOINER or unicodedata.category(sign) in _MARKS or code in _SKIN_TONES or code in _TAGS:
        return True
    if before == _JOINER:
        return unicodedata.category(sign) == "So"
    if code in _FLAG_LETTERS and last in _FLAG_LETTERS:
        # Two letters are a flag. The next two are another flag.
        return (place - begin) % 2 == 1
    if last in _LEADING:
        return code in _LEADING or code in _VOWELS or 0xAC00 <= code < 0xD7A4
    return (last in _VOWELS and (code in _VOWELS or code in _TRAILING)) or (last in _TRAILING and code in _TRAILING)
