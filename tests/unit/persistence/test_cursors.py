"""A cursor works only for the list that returned it, and only unchanged."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.errors import Invalid
from switchboard.persistence import cursors
from tests.unit.properties import example_settings

pytestmark = pytest.mark.usefixtures("cloud")

PLACES = st.dictionaries(st.text(max_size=10), st.one_of(st.text(max_size=40), st.integers()), min_size=1, max_size=4)


def write_cursor(place: dict[str, object]) -> str:
    text = cursors.encode_cursor(place, "org_1", "mail:all")
    assert text is not None
    return text


@given(PLACES)
@example_settings(100)
def test_a_cursor_leads_back_to_its_place(place: dict[str, object]) -> None:
    assert cursors.decode_cursor(write_cursor(place), "org_1", "mail:all") == place


@given(PLACES, st.data())
@example_settings(100)
def test_a_cursor_with_one_changed_bit_is_refused(place: dict[str, object], data: st.DataObject) -> None:
    text = write_cursor(place)
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Invalid):
        cursors.decode_cursor(base64.urlsafe_b64encode(raw).decode().rstrip("="), "org_1", "mail:all")


@given(st.text(min_size=1, max_size=80))
@example_settings(200)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        cursors.decode_cursor(text, "org_1", "mail:all")
    assert refusal.value.code == "invalid_cursor"


@pytest.mark.parametrize(("org_id", "query"), [("org_2", "mail:all"), ("org_1", "mail:agt_1"), ("org_1", ""), ("", "")])
def test_a_cursor_does_not_work_for_another_organization_or_query(org_id: str, query: str) -> None:
    with pytest.raises(Invalid):
        cursors.decode_cursor(write_cursor({"pk": "a", "sk": "b"}), org_id, query)


def test_characters_cannot_move_between_organization_and_query() -> None:
    text = cursors.encode_cursor({"pk": "a"}, "org_1", "mail")
    with pytest.raises(Invalid):
        cursors.decode_cursor(text, "org_1m", "ail")


def test_the_first_request_and_the_last_page_have_no_cursor() -> None:
    assert cursors.decode_cursor(None, "org_1", "mail") is None
    assert cursors.encode_cursor(None, "org_1", "mail") is None
