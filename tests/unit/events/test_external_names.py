"""The names of events from outside."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.errors import Invalid
from switchboard.events import external_names as names
from tests.tables import each


@each(
    "text, name",
    [
        ("GitHub issue opened", "external.github.issue.opened"),
        ("external.github.push", "external.github.push"),
        ("External: GitHub / push", "external.github.push"),
        ("  --Lead   created!! ", "external.lead.created"),
        ("Änderung für Straße Łódź", "external.anderung.fur.strasse.lodz"),
        ("\uff26\uff35\uff2c\uff2c width \ufb01t", "external.full.width.fit"),
        ("a" * 120, f"external.{'a' * 120}"),
        ("7", "external.7"),
    ],
)
def test_free_text_becomes_a_name(text: str, name: str) -> None:
    assert names.normalize_event_type(text) == name


@each("text", ["", "   ", "…!?", "Платёж", "external", "external.", "ﷺ" * 10, "ﬁ" * 61])
def test_a_text_without_a_slug_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        names.normalize_event_type(text)
    assert refusal.value.code == "invalid_event_type"


@given(st.text(max_size=60))
@settings(max_examples=50, deadline=None)
def test_a_name_is_its_own_normal_form_and_a_filter(text: str) -> None:
    try:
        name = names.normalize_event_type(text)
    except Invalid:
        return
    assert names.normalize_event_type(name) == name
    assert names.is_filter(name)
    assert names.matches_any(["external.*"], name)


@each("text", ["external.*", "external.github.*", "external.github.push", f"external.{'a' * 120}"])
def test_a_filter_is_a_name_or_ends_in_a_star(text: str) -> None:
    assert names.is_filter(text)


@each("text", ["external", "external.", "external.*.push", "call.completed", "external.Git", "*", "external.a..b"])
def test_another_text_is_no_filter(text: str) -> None:
    assert not names.is_filter(text)


@each(
    "filters, matches",
    [
        (["external.github.push"], True),
        (["external.github.*"], True),
        (["external.*"], True),
        (["external.github"], False),
        (["external.git*"], False),
        (["external.github.push.*"], False),
        (["external.githubber.*"], False),
        ([], False),
    ],
)
def test_filters_match_whole_words(filters: list[str], matches: bool) -> None:
    assert names.matches_any(filters, "external.github.push") is matches
