"""Addresses that are public, and addresses that are private or reserved."""

from __future__ import annotations

import ipaddress

import pytest

from switchboard.outbound.addresses import is_loopback
from switchboard.outbound.destination import is_global

REFUSED = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/96",
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/32",
    "2001:2::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:30::/28",
    "2001:1ff::/32",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
    "4000::/3",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]
#: The neighbors of refused ranges, and addresses that are in use.
GLOBAL = [
    "1.0.0.0",
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "2000::",
    "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:200::",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db9::",
    "2001:4860:4860::8888",
    "2003::",
    "2600:1f18::1",
    "2606:4700:4700::1111",
    "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "3fff:1000::",
    "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
]


@pytest.mark.parametrize("network", REFUSED)
def test_a_range_is_refused_from_its_first_address_to_its_last(network: str) -> None:
    found = ipaddress.ip_network(network)
    middle = found.network_address + found.num_addresses // 2
    assert [is_global(str(one)) for one in (found.network_address, middle, found.broadcast_address)] == [False] * 3


@pytest.mark.parametrize("address", GLOBAL)
def test_addresses_next_to_a_range_are_not_refused(address: str) -> None:
    assert is_global(address)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "fd00:ec2::254",
        "255.255.255.255",
        "::ffff:1.1.1.1",
        "::1.1.1.1",
        "64:ff9b::1.1.1.1",
        "64:ff9b::101:101",
        "2002:101:101::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_metadata_and_embedding_addresses_are_refused(address: str) -> None:
    assert not is_global(address)


@pytest.mark.parametrize(
    "text",
    ["", "example.com", "1.1.1", "1.1.1.1.1", "01.1.1.1", "1.1.1.1%eth0", "2600::1%1", "0x01010101", "16843009",
     "[2600::1]",
     " 1.1.1.1", "1.1.1.1/32", "\uff11.1.1.1", "1.1.1.\u0661"],
)  # fmt: skip
def test_an_unusual_form_of_an_address_is_refused(text: str) -> None:
    assert not is_global(text)


def test_this_machine_is_recognized_by_its_addresses() -> None:
    assert [is_loopback(one) for one in ("127.0.0.0", "127.0.0.1", "127.255.255.255", "::1")] == [True] * 4
    assert not any(
        is_loopback(one) for one in ("126.255.255.255", "128.0.0.0", "::", "::2", "::ffff:127.0.0.1", "0.0.0.0")
    )
