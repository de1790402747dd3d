"""Hosts of URLs: addresses in their plain form, and names in ASCII. Every other way to write one is refused."""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv6Address

from switchboard.outbound.addresses import is_loopback, parse

LOCALHOST = "localhost"
#: Top-level names that are kept for networks of one's own, or for something other than the DNS (IANA's Special-Use
#: Domain Names; ICANN's .internal, and .corp, .home and .mail, which it never delegates).
_NEVER_GLOBAL = frozenset(
    {
        *("alt", "arpa", "corp", "home", "internal", "intranet", "lan", "local", "localdomain", "localhost", "mail"),
        *("onion", "private"),
    }
)
#: Public names of clouds' metadata services.
_METADATA = frozenset({"metadata.goog", "metadata.tencentyun.com"})
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
#: What a resolver may take for a part of an IPv4 address: decimal, octal or hexadecimal.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAX_NAME = 253


class BadHostError(ValueError):
    """A host that is not written as one must be."""


def check(host: str) -> str:
    """A host as it is looked up and shown: lower case, ASCII, no dot at the end, no brackets. Raises BadHostError."""
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


def is_own(host: str) -> bool:
    """Whether a checked host is this machine by its name or address."""
    return host == LOCALHOST or is_loopback(host)


def is_never_global(host: str) -> bool:
    """Whether a checked host is a name that means nothing, or something of one's own, outside one network."""
    if parse(host):
        return False
    labels = host.split(".")
    return len(labels) == 1 or labels[-1] in _NEVER_GLOBAL or host in _METADATA


def _v6(text: str) -> str:
    found = parse(text)
    if not isinstance(found, IPv6Address):
        raise BadHostError("has brackets around what is no IPv6 address")
    return str(found)


def _v4(text: str) -> str:
    # 127.1, 0177.0.0.1, 0x7f000001 and 2130706433 mean 127.0.0.1 to some who read them, and nothing to others.
    found = parse(text)
    if found is None:
        raise BadHostError("has an IPv4 address that is not written as four decimal numbers")
    return str(found)


def _ascii(host: str) -> str:
    if not host.isascii():
        # Small letters and composed characters, which change nothing in meaning; and no mapping beyond that, by which
        # full-width digits and dots would become an address.
        return _encoded(unicodedata.normalize("NFC", host.lower()))
    name = host.lower()
    return _encoded(name) if "xn--" in name else name


def _encoded(name: str) -> str:
    import idna

    try:
        return idna.encode(name, strict=True).decode()
    except UnicodeError as error:  # IDNAError is one
        raise BadHostError("has a host that is not a valid name") from error
