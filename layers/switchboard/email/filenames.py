"""Makes safe file names for attachments from the names that senders choose."""

from __future__ import annotations

import re
import unicodedata

from switchboard.email import charsets

_LONGEST, _LONGEST_EXTENSION = 150, 20
_FORBIDDEN = re.compile(r'[<>:"|?*]')
#: Names that Windows treats as devices, with any extension.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,80}/[a-z0-9][a-z0-9!#$&^_.+-]{0,120}")
_EXTENSIONS = {
    "application/pdf": ".pdf",
    "application/pgp-signature": ".asc",
    "application/zip": ".zip",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "message/delivery-status": ".txt",
    "message/disposition-notification": ".txt",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/rfc822-headers": ".txt",
    "text/vcard": ".vcf",
}


def safe_filename(given: str | None, media_type: str, number: int) -> str:
    """Returns a file name of limited length without a path and without control, invisible or direction characters."""
    name = unicodedata.normalize("NFC", charsets.remove_unstorable(given or ""))
    # Drop the category Cf: its marks reverse the direction of text, so that "exe.gpj" appears as "jpg.exe".
    name = "".join(" " if char.isspace() else char for char in name if char.isspace() or char.isprintable())
    name = name.replace("\\", "/").rpartition("/")[2]
    name = " ".join(_FORBIDDEN.sub("_", name).split()).strip(". ")
    if not name:
        return f"attachment-{number}{_EXTENSIONS.get(media_type, '')}"
    if _DEVICE.match(name):
        name = f"_{name}"
    stem, dot, extension = name.rpartition(".")
    if dot and len(extension) <= _LONGEST_EXTENSION:
        return stem[: _LONGEST - len(extension) - 1].rstrip(". ") + dot + extension
    return name[:_LONGEST]


def valid_media_type(given: str) -> str:
    """Returns a valid media type: the given one, or `application/octet-stream`."""
    return given if _MEDIA_TYPE.fullmatch(given) else "application/octet-stream"
