"""Where a sign-in may lead: to a path of ours, and to nothing that a browser takes for another site."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import parse_qs, unquote, urlsplit

from switchboard.aws import settings

_LONGEST = 2_048
_PRINTABLE = re.compile(r"[!-~]*")
#: What browsers drop from an address, or read as a slash.
_TREACHEROUS = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\u2060\ufeff]")
#: How often a value may have been percent-encoded on its way.
_LAYERS = 4
_INVITE = re.compile(r"inv_[0-9a-z]{26}")


def home() -> str:
    """The path where people arrive who wanted to go nowhere else."""
    return settings.text("HOME_PATH", "/")


def with_invite(path: str, invite_id: str) -> str:
    """A path of ours that names the invite to accept there."""
    return f"{path}{'&' if '?' in path else '?'}invite={invite_id}"


def invite_in(path: str) -> str | None:
    """The id of the invite that such a path names. The id opens nothing by itself: the person's address does."""
    try:
        named = parse_qs(urlsplit(path).query, max_num_fields=50).get("invite", [])
    except ValueError:
        return None
    return named[0] if len(named) == 1 and _INVITE.fullmatch(named[0]) else None


def safe(wanted: str | None, home: str) -> str:
    """`wanted` if it is a relative path of ours in every reading, else `home` (docs/contracts/hum.md#sign-in)."""
    if not wanted or len(wanted) > _LONGEST or not _PRINTABLE.fullmatch(wanted):
        return home
    reading = wanted
    for _ in range(_LAYERS):
        if not _ours(reading) or not _ours(unicodedata.normalize("NFKC", reading)):
            return home
        before, reading = reading, unquote(reading, errors="replace")
        if reading == before:
            return wanted
    return home


def _ours(reading: str) -> bool:
    path = re.split("[?#]", reading, maxsplit=1)[0]
    # A second slash at the start begins another host's name, and dots may lead back to there.
    return (
        path.startswith("/")
        and "//" not in path
        and not _TREACHEROUS.search(reading)
        and not any(part.partition(";")[0] in (".", "..") for part in path.split("/"))
    )
