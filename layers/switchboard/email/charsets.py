"""Decodes bytes of unknown senders. The result is always text that can be stored and shown."""

from __future__ import annotations

import binascii
import codecs
import quopri
import re

#: Encodings whose names mailers use for a larger encoding (the same table as in browsers).
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
    "tis-620": "cp874",
}
_NAMES = {
    "cn-big5": "big5hkscs",
    "dos-874": "cp874",
    "ks_c_5601-1989": "cp949",
    "unicode-1-1-utf-8": "utf-8",
    "windows-874": "cp874",
    "windows-949": "cp949",
    "x-euc-jp": "euc_jp",
    "x-x-big5": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "iso-8859-8-i": "iso8859-8",
    "x-sjis": "cp932",
    "x-gbk": "gb18030",
}
#: Python codecs that are not charsets of mail. They are slow or raise warnings on other input.
_NO_CHARSET = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "mbcs", "oem"})

_MULTIBYTE = frozenset({"utf-8", "big5hkscs", "cp932", "cp949", "euc_jp", "gb18030"})
_ESCAPE = re.compile(rb"\x1b(\([BJI]|\$[@B])")
#: Runs of EUC-JP: pairs, half-width katakana after 8E, and ASCII.
_EUC_PAIRS = re.compile(rb"(?:[\xa1-\xfe]{2})+|(?:\x8e[\xa1-\xdf])+|[\x00-\x7f]+|[\x80-\xff]")

_WORD = re.compile(r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)\s+(?==\?)")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def decode(data: bytes, charset: str | None) -> str:
    """Decodes bytes: by the claimed charset, then as UTF-8, then as Windows Latin (cp1252). Never fails."""
    claimed = _codec(charset)
    for name in dict.fromkeys(name for name in (claimed, "utf-8") if name):
        try:
            return remove_unstorable(_read(data, name))
        except (UnicodeError, LookupError, ValueError):
            continue
    for name in dict.fromkeys(name for name in (claimed, "utf-8") if name):
        if name in _MULTIBYTE and (text := _mostly(data, name)) is not None:
            return remove_unstorable(text)
    try:
        return remove_unstorable(data.decode("cp1252"))
    except UnicodeError:
        return remove_unstorable(data.decode("latin-1"))


def _read(data: bytes, codec: str) -> str:
    if codec == "iso2022_jp":
        return _from_iso_2022_jp(data)
    try:
        return data.decode(codec)
    except UnicodeError:
        if codec != "euc_jp":
            raise
        return _from_euc_jp(data)


def _mostly(data: bytes, codec: str) -> str | None:
    """Decodes partly broken bytes. Returns `None` unless good non-ASCII characters outnumber the broken ones.

    A Latin text with a wrong charset has almost no valid characters of that charset by chance.
    """
    text = data.decode(codec, "replace")
    broken = text.count("\ufffd")
    good = sum(not char.isascii() for char in text) - broken
    return text if good > broken else None


def _from_iso_2022_jp(data: bytes) -> str:
    """ISO-2022-JP as it is sent (CP50220): with the characters of NEC and IBM, and half-width katakana."""
    out, kind = [], b"(B"
    for number, part in enumerate(_ESCAPE.split(data)):
        if number % 2:
            kind = part
        elif kind in (b"$B", b"$@"):
            out.append(_from_jis_pairs(part))
        else:
            out.append(bytes(byte | 0x80 for byte in part) if kind == b"(I" else part)
    return b"".join(out).decode("cp932")


def _from_euc_jp(data: bytes) -> str:
    """EUC-JP with the characters of NEC and IBM, which Python's codec does not have."""
    out = []
    for found in _EUC_PAIRS.finditer(data):
        run = found[0]
        out.append(_from_jis_pairs(bytes(byte & 0x7F for byte in run)) if run[0] > 0xA0 else run.replace(b"\x8e", b""))
    return b"".join(out).decode("cp932")


def _from_jis_pairs(part: bytes) -> bytes:
    """Converts pairs of JIS X 0208 to Shift JIS. Other bytes do not change."""
    out = bytearray()
    place = 0
    while place < len(part):
        first = part[place]
        if not 0x21 <= first <= 0x7E or place + 1 == len(part):
            out.append(first)
            place += 1
            continue
        second = part[place + 1]
        row = (first - 0x21) // 2
        lead = row + (0x81 if row < 31 else 0xC1)
        trail = second + (0x7E if not first % 2 else 0x1F if second < 0x60 else 0x20)
        out += bytes((lead, trail & 0xFF))
        place += 2
    return bytes(out)


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
    # Try UTF-8 for ASCII: it is the most frequent encoding that is mislabeled as ASCII.
    return "utf-8" if found == "ascii" else _LARGER.get(found, found)


def remove_unstorable(text: str) -> str:
    """Removes characters that cannot be stored: NUL characters and lone surrogates."""
    return _UNSTORABLE.sub("", text)


def decode_words(text: str) -> str:
    """Decodes the encoded words (RFC 2047) of a header's text, at any position."""
    if "=?" not in text:
        return remove_unstorable(text)
    out: list[str] = []
    pending, charset, end = b"", "", 0
    text = _BETWEEN_WORDS.sub("", text)
    for found in _WORD.finditer(text):
        # A character may be split between neighboring words of one charset.
        if pending and (found.start() != end or found[1].lower() != charset):
            out.append(decode(pending, charset))
            pending = b""
        out.append(text[end : found.start()])
        pending, charset, end = pending + _bytes(found[2], found[3]), found[1].lower(), found.end()
    if pending:
        out.append(decode(pending, charset))
    return remove_unstorable("".join(out) + text[end:])


def _bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(raw, header=True)
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    try:
        # A single remaining base64 character does not encode a byte.
        return binascii.a2b_base64((letters[:-1] if len(letters) % 4 == 1 else letters) + b"==")
    except binascii.Error:
        return raw


def cut_bytes(text: str, size: int) -> str:
    """Returns the beginning of a text, at most `size` bytes in UTF-8."""
    data = text.encode()
    return text if len(data) <= size else data[:size].decode("utf-8", "ignore")
