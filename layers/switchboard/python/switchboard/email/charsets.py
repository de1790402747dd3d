"""Bytes of strangers as text: whatever they say of their encoding, the answer is text that can be stored and shown."""

from __future__ import annotations

import binascii
import codecs
import quopri
import re

#: Encodings under whose names mailers send a larger one (the same table as browsers').
_LARGER = {
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "shift_jis": "cp932",
}
_NAMES = {"ks_c_5601-1987": "cp949", "iso-8859-8-i": "iso8859-8", "x-sjis": "cp932", "x-gbk": "gb18030"}
#: Codecs of Python's that are no charset of any mail, and slow or noisy on what was not made for them.
_NO_CHARSET = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "mbcs", "oem"})

_WORD = re.compile(r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)\s+(?==\?)")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def decode(data: bytes, charset: str | None) -> str:
    """The text of some bytes: by the charset that they claim, else as UTF-8, else as Windows' Latin."""
    for name in (_codec(charset), "utf-8", "cp1252"):
        if name:
            try:
                return clean(data.decode(name))
            except (UnicodeError, LookupError, ValueError):
                continue
    return clean(data.decode("latin-1"))


def _codec(charset: str | None) -> str | None:
    name = (charset or "").strip("\"' \t").lower()
    if not name or not name.isascii():
        return None
    try:
        found = codecs.lookup(_NAMES.get(name, name)).name
    except (LookupError, ValueError):
        return None
    if found.replace("-", "_") in _NO_CHARSET:
        return None
    # Plain ASCII is tried as UTF-8 first: what it is called by mistake most often.
    return "utf-8" if found == "ascii" else _LARGER.get(found, found)


def clean(text: str) -> str:
    """The text without what no store takes: zero characters and halves of pairs."""
    return _UNSTORABLE.sub("", text)


def words(text: str) -> str:
    """A header's text with its encoded words (RFC 2047) decoded, wherever mailers put them."""
    if "=?" not in text:
        return clean(text)
    out: list[str] = []
    pending, charset, end = b"", "", 0
    text = _BETWEEN_WORDS.sub("", text)
    for found in _WORD.finditer(text):
        # A character may be cut in two between neighbouring words of one charset.
        if pending and (found.start() != end or found[1].lower() != charset):
            out.append(decode(pending, charset))
            pending = b""
        out.append(text[end : found.start()])
        pending, charset, end = pending + _bytes(found[2], found[3]), found[1].lower(), found.end()
    if pending:
        out.append(decode(pending, charset))
    return clean("".join(out) + text[end:])


def _bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(raw, header=True)
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    try:
        # One letter left over is no byte.
        return binascii.a2b_base64((letters[:-1] if len(letters) % 4 == 1 else letters) + b"==")
    except binascii.Error:
        return raw


def cut(text: str, size: int) -> str:
    """The beginning of a text that is at most `size` bytes in UTF-8."""
    data = text.encode()
    return text if len(data) <= size else data[:size].decode("utf-8", "ignore")
