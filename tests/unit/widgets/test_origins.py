"""Allowed origins: exact ones, in the form in which browsers send them."""

from __future__ import annotations

import pytest

from switchboard.errors import Invalid
from switchboard.widgets import origins
from tests.tables import each


@each(
    "given, kept",
    [
        ("https://shop.example", "https://shop.example"),
        ("HTTPS://Shop.Example", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://straße.example:8443", "https://xn--strae-oqa.example:8443"),
        (" https://shop.example ", "https://shop.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://app.localhost", "http://app.localhost"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://203.0.113.9", "https://203.0.113.9"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(given: str, kept: str) -> None:
    assert origins.normalize_origin(given) == kept
    assert origins.normalize_origin(kept) == kept


@each(
    "given, advice",
    [
        ("*", "wildcard"),
        ("https://*.shop.example", "wildcard"),
        ("https://shop.example/", "slash"),
        ("https://shop.example/page", "https://shop.example"),
        ("https://shop.example?a=1", "https://shop.example"),
        ("https://ada@shop.example", "https://shop.example"),
        ("https://shop.example:99999", "port"),
        ("https://shop.example:0", "port"),
        ("https://shop.example:x", "https://shop.example"),
        ("http://shop.example", "https"),
        ("http://localhost.evil.example", "https"),
        ("http://127.0.0.1.evil.example", "https"),
        ("ftp://shop.example", "https://shop.example"),
        ("null", "https://shop.example"),
        ("shop.example", "https://shop.example"),
        ("https://", "https://shop.example"),
        ("https://shop example", "https://shop.example"),
        ("https://shop.example\n", "https://shop.example"),
        ("https://..", "https://shop.example"),
        ("https://\u2028.example", "https://shop.example"),
        ("https://" + "ü" * 200, "https://shop.example"),
        ("file://x", "https://shop.example"),
    ],
)
def test_anything_else_is_refused_with_advice(given: str, advice: str) -> None:
    if given.endswith("\n"):
        # Spaces around an origin are left out.
        assert origins.normalize_origin(given) == given.strip()
        return
    with pytest.raises(ValueError, match=advice):
        origins.normalize_origin(given)


def test_equal_origins_are_kept_once() -> None:
    given = ["https://a.example", "https://A.example:443", "https://b.example"]
    assert origins.normalize_origins(given) == ["https://a.example", "https://b.example"]


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        origins.normalize_origins(["https://a.example", "*", "https://b.example/"])
    assert refused.value.code == "invalid_origin"
    assert list(refused.value.details["fields"]) == ["allowed_origins.1", "allowed_origins.2"]


@each(
    "origin, host",
    [
        ("https://shop.example", "shop.example"),
        ("https://shop.example:8443", "shop.example"),
        ("http://[::1]:8080", "[::1]"),
        ("http://[::1]", "[::1]"),
    ],
)
def test_the_host_of_an_origin(origin: str, host: str) -> None:
    assert origins.host_of(origin) == host
