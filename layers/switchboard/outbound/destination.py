"""The allowed destinations of requests to customers' URLs: rules for URLs and for IP addresses."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import NoReturn
from urllib.parse import quote

from switchboard.errors import Invalid
from switchboard.kit import settings
from switchboard.outbound import hosts
from switchboard.outbound.addresses import is_global, is_loopback, parse_address
from switchboard.outbound.hosts import BadHostError

__all__ = ["check_url", "is_global", "loopback_allowed", "may_connect", "may_resolve_to"]

MAX_URL_CHARACTERS = 2_048
_DEFAULT_PORTS = {"https": "443", "http": "80"}
#: Ports of services that are not web servers (the Fetch standard's bad ports).
_BAD_PORTS = frozenset(
    {
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104),
        *(109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515),
        *(526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049),
        *(3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    }
)
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)(/[^?#]*)?(\?[^#]*)?(?:#.*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
#: The characters that stay unchanged in a path or a query (RFC 3986). All others are percent-encoded.
_PATH_SAFE = "%/:@!$&'()*+,;=~-._"
_QUERY_SAFE = _PATH_SAFE + "?"


class _BadUrlError(ValueError):
    """Nothing can be sent to a URL. The text says why, without the name of the URL's field."""


def check_url(url: str, field: str = "url") -> str:
    """Returns the URL in normal form: host in ASCII, path encoded, no fragment. Raises Invalid (`invalid_url`).

    `field` is the name that the caller sent the URL under. Does not resolve the host: the client checks its addresses
    at each request.
    """
    try:
        return _to_normal_form(url)
    except _BadUrlError as error:
        raise Invalid(
            "Nothing can be sent to this URL: see the fields, and use another URL.",
            code="invalid_url",
            fields={field: str(error)},
        ) from None


def _to_normal_form(url: str) -> str:
    if len(url) > MAX_URL_CHARACTERS:
        _refuse(f"must have at most {MAX_URL_CHARACTERS:,} characters")
    if any(_is_odd(character) for character in url):
        _refuse("must not contain spaces, backslashes or control characters")
    match = _URL.fullmatch(url)
    if not match:
        _refuse("must be an absolute https URL")
    scheme, authority, path, query = match[1].lower(), match[2], match[3] or "/", match[4] or ""
    if scheme not in _DEFAULT_PORTS:
        _refuse("must begin with https://")
    host, port = _authority(authority)
    _check_host(scheme, host)
    shown = f"[{host}]" if ":" in host else host
    colon = "" if port in ("", _DEFAULT_PORTS[scheme]) else f":{port}"
    found = f"{scheme}://{shown}{colon}{quote(path, safe=_PATH_SAFE)}{quote(query, safe=_QUERY_SAFE)}"
    if len(found) > MAX_URL_CHARACTERS:
        _refuse(f"must have at most {MAX_URL_CHARACTERS:,} characters after percent-encoding")
    return found


def loopback_allowed() -> bool:
    """Whether requests to loopback addresses are allowed: only if the local stack sets it, and never in Lambda."""
    return (
        "AWS_LAMBDA_FUNCTION_NAME" not in os.environ
        and settings.stage() == "local"
        and settings.flag("OUTBOUND_LOOPBACK")
    )


def may_resolve_to(host: str, address: str) -> bool:
    """Whether the host of a checked URL may resolve to an address: a global address, or loopback for `localhost`."""
    if is_global(address):
        return True
    return is_loopback(address) and hosts.is_loopback_host(host) and loopback_allowed()


def may_connect(address: str) -> bool:
    """Whether a connection to an address may be opened."""
    return is_global(address) or (is_loopback(address) and loopback_allowed())


def _refuse(why: str) -> NoReturn:
    raise _BadUrlError(why)


def _is_odd(character: str) -> bool:
    if character.isascii():
        return not "!" <= character <= "~" or character == "\\"
    # The categories Z (separators) and C (control, format, surrogate and unassigned characters).
    return unicodedata.category(character)[0] in "ZC"


def _authority(text: str) -> tuple[str, str]:
    """Returns host and port of an authority."""
    if "@" in text:
        _refuse("must not contain a user name or a password")
    match = _AUTHORITY.fullmatch(text)
    if not match:
        _refuse("has a host that is not valid: put an IPv6 address in brackets")
    host, port = match[1], match[2]
    if port is not None:
        if not _PORT.fullmatch(port) or int(port) > 65_535:
            _refuse("has a port that is not valid")
        if int(port) in _BAD_PORTS:
            _refuse(f"has a port that is not for web servers ({port}): use another port")
    try:
        return hosts.check_host(host), port or ""
    except BadHostError as error:
        _refuse(str(error))


def _check_host(scheme: str, host: str) -> None:
    if hosts.is_loopback_host(host):
        if not loopback_allowed():
            _refuse("has a host that is not on the public internet")
        return
    if scheme != "https":
        _refuse("must begin with https://")
    if hosts.is_private_name(host) or (parse_address(host) and not is_global(host)):
        _refuse("has a host that is not on the public internet")
