"""Ids sort by time, and their prefix names their kind."""

from __future__ import annotations

import re
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from switchboard.kit import clock, ids
from tests.unit.properties import example_settings

MILLISECONDS = st.integers(0, 2**48 - 1)


def id_at(milliseconds: int) -> str:
    # Half a millisecond is added so that rounding does not change the millisecond.
    with clock.using(lambda: (milliseconds + 0.5) / 1000):
        return ids.new_id("evt")


@given(st.integers(0, 2**42), st.integers(0, 2**42))
@example_settings(200)
def test_ids_sort_by_time(one: int, other: int) -> None:
    if one != other:
        assert (id_at(one) < id_at(other)) is (one < other)


@given(st.integers(0, 2**42))
@example_settings(100)
def test_a_range_begins_with_the_first_id_of_its_millisecond(milliseconds: int) -> None:
    floor = ids.smallest_id("evt", milliseconds)
    assert floor <= id_at(milliseconds)
    assert id_at(max(0, milliseconds - 1)) < floor or milliseconds == 0


def test_an_id_has_safe_characters_and_is_unique() -> None:
    made = {ids.new_id("msg") for _ in range(500)}
    assert len(made) == 500
    assert all(re.fullmatch("msg_[0-9a-hjkmnp-tv-z]{26}", one) for one in made)


def test_uuids_sort_by_time_and_state_their_version(frozen: clock.FrozenClock) -> None:
    made = []
    for _ in range(3):
        made.append(ids.new_uuid())
        frozen.advance(milliseconds=2)  # a clock in floats may lose a part of one millisecond
    assert made == sorted(set(made))
    assert all(UUID(one).version == 7 and UUID(one).variant == RFC_4122 for one in made)
    assert UUID(made[0]).int >> 80 == clock.parse("2026-01-15T17:00:00Z").timestamp() * 1000
