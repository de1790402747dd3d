"""Decides which IP addresses are on the public internet.

This module has an explicit table, because the meaning of "global" in Python's `ipaddress` differs between versions.
"""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

#: Source: IANA's IPv4 Special-Purpose Address Registry, and its IPv4 Multicast Address Space Registry (224/4). All
#: registered ranges are refused, even reachable ones: they contain no webhook receivers.
_V4_SPECIAL = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private
    "100.64.0.0/10",  # shared by a carrier's customers
    "127.0.0.0/8",  # loopback
    "169.254.0.0/16",  # link-local, where clouds put their metadata
    "172.16.0.0/12",  # private
    "192.0.0.0/24",  # IETF protocols
    "192.0.2.0/24",  # documentation
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # AMT relays
    "192.88.99.0/24",  # 6to4 relays, deprecated
    "192.168.0.0/16",  # private
    "192.175.48.0/24",  # AS112
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
)
#: The range for global unicast (IANA's IPv6 Address Space registry). It excludes loopback, ULA, link-local, site-local,
#: multicast, discard, SRv6 SIDs, and the mapped, compatible and NAT64 forms of IPv4.
_V6_UNICAST = IPv6Network("2000::/3")
#: Special ranges within the unicast range. Source: IANA's IPv6 Special-Purpose Address Registry.
_V6_SPECIAL = (
    "2001::/23",  # IETF protocols: Teredo, ORCHID, benchmarks, DRIP and more
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4
    "2620:4f:8000::/48",  # AS112
    "3fff::/20",  # documentation
)
_V4_LOOPBACK = IPv4Network("127.0.0.0/8")
_V6_LOOPBACK = IPv6Address("::1")


class _Ranges:
    """A set of address ranges that do not overlap, with fast look-up."""

    def __init__(self, *networks: str) -> None:
        found: list[IPv4Network | IPv6Network] = [ip_network(network) for network in networks]
        spans = sorted((int(one.network_address), int(one.broadcast_address)) for one in found)
        self._firsts = [first for first, _ in spans]
        self._lasts = [last for _, last in spans]

    def hold(self, number: int) -> bool:
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self._lasts[place]


_V4, _V6 = _Ranges(*_V4_SPECIAL), _Ranges(*_V6_SPECIAL)


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Parses an IP address in its usual form. Returns `None` for other texts and for addresses with a zone."""
    if "%" in text:
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_global(address: str) -> bool:
    """Whether an address is a unicast address on the public internet. IPv6 forms that embed IPv4 are not."""
    found = parse_address(address)
    if found is None:
        return False
    if isinstance(found, IPv4Address):
        return not _V4.hold(int(found))
    return found in _V6_UNICAST and not _V6.hold(int(found))


def is_loopback(address: str) -> bool:
    """Whether an address is a loopback address: 127.0.0.0/8 or ::1."""
    found = parse_address(address)
    return found == _V6_LOOPBACK if isinstance(found, IPv6Address) else found is not None and found in _V4_LOOPBACK
