"""Web origins: exact ones, and hosts below one that is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.kit.web_origins import is_allowed, normalize_allowed, normalize_origin
from tests.unit.properties import example_settings


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("https://shop.example", "https://shop.example"),
        ("HTTPS://Shop.Example", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("https://localhost:8443", "https://localhost:8443"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_has_one_spelling(sent: str, kept: str) -> None:
    assert normalize_origin(sent) == normalize_allowed(sent) == kept
    assert is_allowed(normalize_origin(sent), [kept])


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "null",
            "*",
            "https://",
            "https://*",
            "https://*.com",
            "*.shop.example",
            "shop.example",
            "//shop.example",
        ),
        *("https://shop.example/", "https://shop.example/path", "https://shop.example?", "https://a@shop.example"),
        *("https://shop.example:0", "https://shop.example:65536", "https://shop.example:", "ftp://shop.example"),
        *("file://", "https://shop..example", "https://.example", "https://bücher.example", "https://a.*.example"),
        *("https://shop.example\n", " https://shop.example", "https://shop.example https://other.example"),
        *("chrome-extension://abc", "https://*.[::1]", "https://**.shop.example", "https://" + "a." * 200 + "example"),
    ],
)
def test_an_invalid_origin_is_refused_and_allows_nothing(text: str) -> None:
    with pytest.raises(ValueError, match=r"origin|port|too much"):
        normalize_allowed(text)
    with pytest.raises(ValueError, match=r"origin|port"):
        normalize_origin(text)
    assert not is_allowed("https://shop.example", [text])


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.shop.example", True),
        ("https://a.b.shop.example", True),
        ("https://shop.example", False),
        ("https://evilshop.example", False),
        ("https://shop.example.evil.example", False),
        ("http://a.shop.example", False),
        ("https://a.shop.example:8443", False),
    ],
)
def test_a_leading_star_allows_subdomains_only(origin: str, allowed: bool) -> None:
    assert is_allowed(origin, ["https://*.shop.example"]) is allowed
    assert is_allowed(origin, ["https://*.SHOP.example:443"]) is allowed


def test_a_port_is_part_of_a_pattern() -> None:
    assert is_allowed("https://a.shop.example:8443", ["https://*.shop.example:8443"])
    assert not is_allowed("https://a.shop.example:18443", ["https://*.shop.example:8443"])


def test_a_star_is_not_an_origin() -> None:
    with pytest.raises(ValueError, match="not an origin"):
        normalize_origin("https://*.shop.example")


@example_settings(200)
@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_causes_an_internal_error(one: str, other: str) -> None:
    for text in (one, f"https://{one}", f"https://{one}:{other}"):
        assert isinstance(is_allowed(text, [other, f"https://*.{other}"]), bool)
