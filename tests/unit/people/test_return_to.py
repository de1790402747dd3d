"""Permitted targets of a sign-in."""

from __future__ import annotations

from urllib.parse import quote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.people.return_to import safe_path
from tests.unit.properties import example_settings

HOME = "/home"
OURS = "https://hum.example"

#: URLs that have led browsers, or the servers before them, to another host.
CORPUS = [
    *("https://evil.example", "http:evil.example", "HTTPS://evil.example", "javascript:alert(1)", "data:text/html,x"),
    *(
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
    ),
    *("/\t/evil.example", "/\n/evil.example", "/\r\n/evil.example", "\t//evil.example", " //evil.example", "/ /evil"),
    *("/%2f/evil.example", "/%2F%2Fevil.example", "%2f%2fevil.example", "/%5cevil.example", "/%5C%5Cevil.example"),
    *("/%252f%252fevil.example", "/%25%32%66%25%32%66evil.example", "/%09/evil.example", "/%0a/evil", "/%0d%0aX: y"),
    *("/./%2fevil.example", "/.//evil.example", "/..//evil.example", "/../evil", "/x/..//evil.example", "/;/../evil"),
    *("/%2e%2e%2f%2fevil.example", "/x%2f..%2f..%2f/evil.example", "/..;/evil"),
    *(
        "/\uff0fevil.example",
        "/%ef%bc%8fevil.example",
        "/\u2028/evil",
        "/%e2%80%8b/evil",
        "/\ufeff/evil",
        "/\u00a0/evil",
    ),
    *("evil.example", "@evil.example", ".evil.example", "?next=//evil.example", "#//evil.example", "", "*"),
    *("/x\x00", "/x%00", "/x%01", "/x\x7f", "/x%7f", "/x\\y", "/x%5cy", "/x%255cy", "/x%c2%85"),
    *("/" + "a" * 2_048, "/" + "%25" * 5 + "2f/evil"),
    # Encoded so often that its final meaning is unknown.
    *("/%" + "25" * 4 + "2fevil", "/%" + "25" * 4 + "20x", "/%" + "25" * 3 + "20x"),
]
GOOD = [
    *("/", "/api/me", "/calls/call_1?tab=notes&page=2", "/contacts?q=John%20Smith", "/a/b/c/", "/x#part"),
    *("/" + "a" * 2_047, "/%252520x"),
    *("/search?url=https://example.com//x", "/x?back=%2Fcalls%2F1", "/caf%C3%A9", "/a.b/c..d", "/x;v=1/y", "/100%25"),
]


@pytest.mark.parametrize("wanted", CORPUS)
def test_other_sites_become_the_home_page(wanted: str) -> None:
    assert safe_path(wanted, HOME) == HOME


@pytest.mark.parametrize("wanted", GOOD)
def test_own_paths_are_kept_unchanged(wanted: str) -> None:
    assert safe_path(wanted, HOME) == wanted


def test_no_target_means_the_home_page() -> None:
    assert safe_path(None, HOME) == HOME


@given(st.text(alphabet=st.sampled_from("/\\%25cfFxX.:;@?#&= \t\r\nehtps2f")) | st.text(max_size=60))
@example_settings(300)
def test_every_accepted_target_stays_on_our_host(wanted: str) -> None:
    allowed = safe_path(wanted, HOME)
    for reading in (allowed, quote(allowed, safe="%/?#=&;:@")):
        target = urlsplit(urljoin(OURS + "/auth/callback", reading))
        assert (target.scheme, target.netloc) == ("https", "hum.example")
    assert allowed in (HOME, wanted)
