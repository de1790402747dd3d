"""Web origins (RFC 6454): the origins that a token allows, and the origin of a browser's request.

A token's list has exact origins (`https://shop.example`, `https://shop.example:8443`) and origins with a wildcard host:
`https://*.shop.example` allows every host below `shop.example`, but not `shop.example` itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LONGEST = 300
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<any>\*\.)?(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65_535
_ADVICE = "send scheme, host and port only, for example https://shop.example or https://*.shop.example"


def normalize_origin(text: str) -> str:
    """Returns a browser's origin in lower case and without the scheme's default port.

    Raises ValueError for anything else, also for `null`, which sandboxed pages and local files send: `null` does not
    identify a site.
    """
    scheme, wildcard, host, port = _parts(text)
    if wildcard:
        raise ValueError(f"is not an origin: {_ADVICE}")
    return f"{scheme}://{host}{port}"


def normalize_allowed(text: str) -> str:
    """Returns an entry of a token's list in its normal form. Raises ValueError if it is not an origin."""
    scheme, wildcard, host, port = _parts(text)
    if wildcard and "." not in host:
        raise ValueError("allows too much: write at least two labels after the *., for example https://*.shop.example")
    return f"{scheme}://{wildcard}{host}{port}"


def is_allowed(origin: str, allowed: Iterable[str]) -> bool:
    """Whether a token's list allows a normalized origin. A malformed entry allows nothing."""
    scheme, _, place = origin.partition("://")
    for entry in allowed:
        try:
            wanted = normalize_allowed(entry)
        except ValueError:
            continue
        if wanted == origin:
            return True
        wanted_scheme, _, wanted_place = wanted.partition("://")
        if wanted_scheme == scheme and wanted_place.startswith("*.") and place.endswith(wanted_place[1:]):
            return True
    return False


def _parts(text: str) -> tuple[str, str, str, str]:
    match = _ORIGIN.fullmatch(text.lower()) if len(text) <= _LONGEST and text.isascii() else None
    if match is None or (match["any"] and match["host"].startswith("[")):
        raise ValueError(f"is not an origin: {_ADVICE}")
    scheme, port = match["scheme"], int(match["port"] or 0)
    if port > _HIGHEST_PORT or (match["port"] and not port):
        raise ValueError(f"has a port that does not exist: use 1 to {_HIGHEST_PORT}")
    shown = f":{port}" if port and port != _DEFAULT_PORTS[scheme] else ""
    return scheme, match["any"] or "", match["host"], shown
