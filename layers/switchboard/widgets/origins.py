"""The origins whose pages may use a widget token: exact ones, in the form in which browsers send them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from switchboard.errors import Invalid
from switchboard.kit import web_origins

MAX_ORIGINS = 20
_ORIGIN = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>\[[0-9A-Fa-f:.]+\]|[^/:?#@\s]+)(?P<port>:[^/?#]*)?"
)
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_EXAMPLE = "send scheme, host and port only, for example https://shop.example"


def normalize_origins(given: Sequence[str]) -> list[str]:
    """Returns origins in the form in which browsers send them, each once. Raises Invalid, with all problems at once."""
    found: dict[str, None] = {}
    problems: dict[str, str] = {}
    for number, text in enumerate(given):
        try:
            found[normalize_origin(text)] = None
        except ValueError as problem:
            problems[f"allowed_origins.{number}"] = str(problem)
    if problems:
        raise Invalid("Some origins are not valid: see the fields.", code="invalid_origin", fields=problems)
    return list(found)


def normalize_origin(text: str) -> str:
    """Returns an exact origin in lower case, with an ASCII host, and without its scheme's default port.

    Raises ValueError with advice for anything else.
    """
    text = text.strip()
    if "*" in text:
        raise ValueError(f"has a wildcard: list each origin, {_EXAMPLE}")
    if text.endswith("/") and _ORIGIN.fullmatch(text.rstrip("/")):
        raise ValueError(f"ends with a slash: leave the slash out, {_EXAMPLE}")
    match = _ORIGIN.fullmatch(text)
    if match is None:
        raise ValueError(f"is not an origin: {_EXAMPLE}")
    host = _ascii_host(match["host"])
    origin = web_origins.normalize_origin(f"{match['scheme']}://{host}{match['port'] or ''}")
    if origin.startswith("http://") and not _is_local(host.lower()):
        raise ValueError("is not encrypted: use https. Only localhost may use http")
    return origin


def host_of(origin: str) -> str:
    """Returns the host of a normalized origin, as a captcha names it."""
    host = origin.partition("://")[2]
    return host.rpartition(":")[0] if re.search(r":[0-9]+$", host) and not host.endswith("]") else host


def _is_local(host: str) -> bool:
    return host in _LOCAL_HOSTS or host.endswith(".localhost")


def _ascii_host(host: str) -> str:
    """Returns a host in the form of DNS: browsers send `bücher.example` as `xn--bcher-kva.example`."""
    if host.isascii():
        return host
    from yarl import URL  # for cold start: few origins have such hosts

    try:
        return str(URL.build(scheme="https", host=host).raw_host)
    except ValueError:
        raise ValueError(f"has a host that does not exist: {_EXAMPLE}") from None
