"""Names of strangers in places where others read them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.kit.texts import require_one_line
from switchboard.people.names import MAX_MAIL_NAME_CHARACTERS, MAX_NAME_CHARACTERS, one_line, safe_for_mail


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Lakeside Clinic", "Lakeside Clinic"),
        ("Dr. Ada Lovelace", "Dr. Ada Lovelace"),
        ("Acme Inc.", "Acme Inc."),
        ("Acme (Inc.)", "Acme (Inc.)"),
        ("Müller & Söhne 日本", "Müller & Söhne 日本"),
        ("http://evil.example", "hxxp[:]//evil[.]example"),
        ("HTTPS://EVIL.EXAMPLE/x", "hxxpS[:]//EVIL[.]EXAMPLE/x"),
        ("www.evil.example", "www[.]evil[.]example"),
        ("go to evil.example now", "go to evil[.]example now"),
        ("ada@evil.example", "ada@evil[.]example"),
        ("ftp://10.0.0.1", "ftp[:]//10[.]0[.]0[.]1"),
        ("evil\uff0eexample", "evil[.]example"),
        ("evil\u3002example", "evil[.]example"),
        ("evil\uff61example", "evil[.]example"),
        ("evil\u2024example", "evil[.]example"),
        ("evil.\u200bexample", "evil[.]example"),
        ("\uff48\uff54\uff54\uff50\uff1a\uff0f\uff0fevil", "hxxp[:]//evil"),
        ("ht\u00adtp://evil", "hxxp[:]//evil"),
        ("a\nb\r\nc\td\u2028e\x00f", "a b c d e f"),
        ("\u202eada\u2066", "ada"),
        ("\u200b\u202e", ""),
        ("x" * 61, "x" * 59 + "…"),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_name_in_a_mail_is_a_short_line_without_links(name: str, shown: str) -> None:
    assert safe_for_mail(name) == shown


@given(st.text(max_size=300) | st.from_regex(r"(https?://|www\.)?\w+\.(com|example)\W?", fullmatch=True))
def test_no_name_makes_a_link_or_a_second_line(name: str) -> None:
    shown = safe_for_mail(name)
    assert len(shown) <= MAX_MAIL_NAME_CHARACTERS
    assert shown.isprintable()
    assert not re.search(r"\w[.\u3002\uff0e\uff61]\w|http|://", shown, re.IGNORECASE)


@pytest.mark.parametrize("character", ["\x00", "\n", "\r", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\u2066"])
def test_a_control_character_is_refused_and_named(character: str) -> None:
    with pytest.raises(ValueError, match=f"U\\+{ord(character):04X}"):
        require_one_line(f"Acme{character}Inc")
    assert one_line(f"Acme{character}Inc") == "Acme Inc"


def test_a_line_of_visible_text_stays() -> None:
    for name in ("Acme", "Été & Fils", "日本", "שלום \u200f", "👩\u200d🚀"):
        assert require_one_line(name) == name
    assert one_line("x" * 300) == "x" * MAX_NAME_CHARACTERS
