"""Validates the path after a sign-in. It must lead to this site in every browser, never to another site."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import parse_qs, unquote, urlsplit

from switchboard.kit import settings

_MAX_PATH_CHARACTERS = 2_048
_PRINTABLE = re.compile(r"[!-~]*")
#: Characters that browsers drop from an address, or read as a slash.
_UNSAFE_CHARACTERS = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\u2060\ufeff]")
#: The maximum number of times that a value may be percent-encoded.
_MAX_ENCODINGS = 4
_INVITE = re.compile(r"inv_[0-9a-z]{26}")


#: The page that a person sees after signing out. The issuer must permit its URL too.
SIGNED_OUT_PATH = "/signed-out"


def home_path() -> str:
    """Returns the default path after a sign-in."""
    return settings.text("HOME_PATH", "/console")


def with_invite(path: str, invite_id: str) -> str:
    """Returns a path of this site with the id of the invite to accept there."""
    return f"{path}{'&' if '?' in path else '?'}invite={invite_id}"


def invite_in(path: str) -> str | None:
    """Returns the invite id in a path. The id grants nothing by itself: the person's address must match the invite."""
    try:
        named = parse_qs(urlsplit(path).query, max_num_fields=50).get("invite", [])
    except ValueError:
        return None
    return named[0] if len(named) == 1 and _INVITE.fullmatch(named[0]) else None


def safe_path(wanted: str | None, home: str) -> str:
    """Returns `wanted` if it is a relative path of this site in every reading, else `home`.

    Every reading is checked, because browsers and servers decode a path differently (OWASP, unvalidated redirects).
    """
    if not wanted or len(wanted) > _MAX_PATH_CHARACTERS or not _PRINTABLE.fullmatch(wanted):
        return home
    reading = wanted
    for _ in range(_MAX_ENCODINGS):
        if not _is_local_path(reading) or not _is_local_path(unicodedata.normalize("NFKC", reading)):
            return home
        before, reading = reading, unquote(reading, errors="replace")
        if reading == before:
            return wanted
    return home


def _is_local_path(reading: str) -> bool:
    path = re.split("[?#]", reading, maxsplit=1)[0]
    # Two slashes at the start begin the name of another host, and dot segments may produce two slashes.
    return (
        path.startswith("/")
        and "//" not in path
        and not _UNSAFE_CHARACTERS.search(reading)
        and not any(part.partition(";")[0] in (".", "..") for part in path.split("/"))
    )
