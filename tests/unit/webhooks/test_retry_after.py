"""Retry-After: all forms of RFC 9110 are parsed, and no value raises."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.webhooks import retry_after
from tests.unit.properties import example_settings

NOW = datetime(2026, 11, 29, 13, 23, tzinfo=UTC)
MOST = retry_after.MAX_SECONDS


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("60", 60),
        (" 60\t", 60),
        ("007", 7),
        ("9" * 5_000, MOST),
        # The three forms of RFC 9110, 5.6.7.
        ("Sun, 29 Nov 2026 13:24:00 GMT", 60),
        ("Sunday, 29-Nov-26 13:24:00 GMT", 60),
        ("Sun Nov 29 13:24:00 2026", 60),
        ("Tue Dec  1 13:23:00 2026", 2 * 86_400),
        ("sun nov 29 13:24:00 2026", 60),
        ("Sun, 29 Nov 2026 14:24:00 +0100", 60),
        ("Sun Nov 29 13:24:60 2026", 120),
        # A year of two digits belongs to this century or to the past: never more than fifty years ahead.
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
        ("Wednesday, 01-Jan-76 00:00:00 GMT", MOST),
        ("Friday, 01-Jan-77 00:00:00 GMT", 0),
        ("Sun, 29 Nov 2026 13:22:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MOST),
    ],
)
def test_valid_values_are_parsed(text: str, seconds: int) -> None:
    assert retry_after.parse_seconds(text, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", " ", "soon", "-1", "1.5", "+60", "1e3", "0x10", "60 60", "60, 120", "1_000"),
        *("²", "6²", "٦٠", "\uff16\uff10", "Ⅷ", "\u00a060", "60\u200b", "\ufffd"),
        *(
            "Sun Nov 31 13:24:00 2026",
            "Sun Foo 29 13:24:00 2026",
            "Sun Nov 29 25:24:00 2026",
            "Sun Nov 29 13:24:61 2026",
        ),
        *("Sunday, 31-Nov-26 13:24:00 GMT", "Sunday, 29-Nov-26 13:24:00 CET", "Sun Nov 29 13:24:00 0000"),
        *("Sun, 29 Nov 2026 13:24:00", "Fri, 31 Dec 9999 23:59:59 -2359"),
        *("Sun, 29 Nov 99999 13:24:00 GMT", "Sun, 29 Nov 2026 13:24:00 +99999999999"),
    ],
)
def test_invalid_values_are_ignored(text: str | None) -> None:
    assert retry_after.parse_seconds(text, NOW) is None


PARTS = st.sampled_from(
    ["Sun", "Sunday", "Nov", "29", "-", ", ", " ", ":", "13", "2026", "26", "GMT", "+0100", "²", "-9999"]
)


@given(st.text(max_size=60) | st.lists(PARTS, max_size=14).map("".join) | st.integers().map(str))
@example_settings(1_000)
def test_no_value_raises_and_every_wait_is_bounded(text: str) -> None:
    found = retry_after.parse_seconds(text, NOW)
    assert found is None or 0 <= found <= MOST
