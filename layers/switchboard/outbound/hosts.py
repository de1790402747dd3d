"""Checks the hosts of URLs. Allows IP addresses in their usual form, and names; refuses all other spellings."""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv6Address

from switchboard.outbound.addresses import is_loopback, parse_address

LOCALHOST = "localhost"
#: Top-level names that are reserved for private networks or for other systems than the DNS (IANA's Special-Use Domain
#: Names; ICANN's .internal, and .corp, .home and .mail, which ICANN never delegates).
_NEVER_GLOBAL = frozenset(
    {
        *("alt", "arpa", "corp", "home", "internal", "intranet", "lan", "local", "localdomain", "localhost", "mail"),
        *("onion", "private"),
    }
)
#: Public names of metadata services of cloud providers.
_METADATA = frozenset({"metadata.goog", "metadata.tencentyun.com"})
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
#: A label that a resolver may read as a part of an IPv4 address: decimal, octal or hexadecimal.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAX_NAME = 253


class BadHostError(ValueError):
    """The host of a URL is not valid."""


def check_host(host: str) -> str:
    """Returns a host in normal form: lower case, ASCII, no final dot, no brackets. Raises BadHostError."""
    if host.startswith("["):
        return _v6(host[1:-1])
    if not host:
        raise BadHostError("has no host")
    name = _ascii(host).removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _v4(name)
    if len(name) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadHostError("has a host that is not a valid name")
    return name


def is_loopback_host(host: str) -> bool:
    """Whether a checked host is `localhost` or a loopback address."""
    return host == LOCALHOST or is_loopback(host)


def is_private_name(host: str) -> bool:
    """Whether a checked host is a name that is not on the public internet, or a metadata service."""
    if parse_address(host):
        return False
    labels = host.split(".")
    return len(labels) == 1 or labels[-1] in _NEVER_GLOBAL or host in _METADATA


def _v6(text: str) -> str:
    found = parse_address(text)
    if not isinstance(found, IPv6Address):
        raise BadHostError("has brackets without an IPv6 address")
    return str(found)


def _v4(text: str) -> str:
    # Some resolvers read 127.1, 0177.0.0.1, 0x7f000001 and 2130706433 as 127.0.0.1, and others reject them.
    found = parse_address(text)
    if found is None:
        raise BadHostError("has an IPv4 address that is not valid: write it as four decimal numbers")
    return str(found)


def _ascii(host: str) -> str:
    if not host.isascii():
        # Only lower the case and compose characters, which does not change the meaning. A further mapping would turn
        # full-width digits and dots into an IP address.
        return _encoded(unicodedata.normalize("NFC", host.lower()))
    name = host.lower()
    return _encoded(name) if "xn--" in name else name


def _encoded(name: str) -> str:
    import idna  # for cold start: few names are international

    try:
        return idna.encode(name, strict=True).decode()
    except UnicodeError as error:  # the base class of IDNAError
        raise BadHostError("has a host that is not a valid name") from error
