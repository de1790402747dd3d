"""Where a customer may have us send to: what a URL must be like, and which addresses may be connected to."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import NoReturn
from urllib.parse import quote

from switchboard.aws import settings
from switchboard.errors import Invalid
from switchboard.outbound import hosts
from switchboard.outbound.addresses import is_global, is_loopback, parse
from switchboard.outbound.hosts import BadHostError

__all__ = ["check", "is_global", "loopback_allowed", "may_connect", "may_resolve_to"]

MAX_LENGTH = 2_048
_DEFAULT_PORTS = {"https": "443", "http": "80"}
#: Where a post would speak to something that is no web server (the Fetch standard's bad ports).
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
#: What a path or a query may hold as it is (RFC 3986); everything else is sent percent-encoded.
_PATH_SAFE = "%/:@!$&'()*+,;=~-._"
_QUERY_SAFE = _PATH_SAFE + "?"


def check(url: str) -> str:
    """The URL as it will be used: host in ASCII, path encoded, fragment dropped. Raises Invalid (`invalid_url`).

    No name is looked up here: what a name stands for is checked each time that something is sent.
    """
    if len(url) > MAX_LENGTH:
        _refuse(f"has more than {MAX_LENGTH:,} characters")
    if any(_is_odd(character) for character in url):
        _refuse("must not hold spaces, backslashes or control characters")
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
    if len(found) > MAX_LENGTH:
        _refuse(f"has more than {MAX_LENGTH:,} characters when it is encoded")
    return found


def loopback_allowed() -> bool:
    """Whether this machine itself may be sent to: when the local stack says so, and never in Lambda."""
    return (
        "AWS_LAMBDA_FUNCTION_NAME" not in os.environ
        and settings.stage() == "local"
        and settings.flag("OUTBOUND_LOOPBACK")
    )


def may_resolve_to(host: str, address: str) -> bool:
    """Whether a host of a checked URL may stand for an address: a global one, or this machine for its own names."""
    if is_global(address):
        return True
    return is_loopback(address) and hosts.is_own(host) and loopback_allowed()


def may_connect(address: str) -> bool:
    """Whether a connection to an address may be opened at all."""
    return is_global(address) or (is_loopback(address) and loopback_allowed())


def _refuse(why: str) -> NoReturn:
    raise Invalid("Nothing can be sent to this URL.", code="invalid_url", fields={"url": why})


def _is_odd(character: str) -> bool:
    if character.isascii():
        return not "!" <= character <= "~" or character == "\\"
    # Separators, and what is a control, a format, a half surrogate or nothing at all.
    return unicodedata.category(character)[0] in "ZC"


def _authority(text: str) -> tuple[str, str]:
    """Host and port."""
    if "@" in text:
        _refuse("must not hold a user name or a password")
    match = _AUTHORITY.fullmatch(text)
    if not match:
        _refuse("has a host that is not valid; an IPv6 address stands in brackets")
    host, port = match[1], match[2]
    if port is not None:
        if not _PORT.fullmatch(port) or int(port) > 65_535:
            _refuse("has a port that is not valid")
        if int(port) in _BAD_PORTS:
            _refuse(f"has a port that is not for web servers ({port})")
    try:
        return hosts.check(host), port or ""
    except BadHostError as error:
        _refuse(str(error))


def _check_host(scheme: str, host: str) -> None:
    if hosts.is_own(host):
        if not loopback_allowed():
            _refuse("has a host that is not on the public internet")
        return
    if scheme != "https":
        _refuse("must begin with https://")
    if hosts.is_never_global(host) or (parse(host) and not is_global(host)):
        _refuse("has a host that is not on the public internet")
