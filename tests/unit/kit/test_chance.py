"""Chance: random values come from the operating system, through one module."""

from __future__ import annotations

from collections.abc import Callable
from random import Random, SystemRandom

import pytest

from switchboard.kit import chance
from switchboard.roleplay import sessions
from switchboard.usage import charges
from switchboard.webhooks import breaker, schedule


def test_chance_keeps_no_state_that_a_snapshot_could_freeze() -> None:
    assert isinstance(chance._source, SystemRandom)
    with pytest.raises(NotImplementedError):
        chance._source.getstate()


def test_every_draw_is_within_its_limits() -> None:
    assert {chance.below(3) for _ in range(200)} == {0, 1, 2}
    assert all(2.5 <= chance.between(2.5, 4) <= 4 for _ in range(200))
    assert all(0 <= chance.fraction() < 1 for _ in range(200))


@pytest.mark.parametrize("draw", [charges.choose_slice, breaker.choose_slot, sessions.choose_persona_index])
def test_all_choices_come_from_the_one_source(draw: Callable[[int], int]) -> None:
    with chance.using(Random(7)):
        first = [draw(1_000) for _ in range(5)]
    with chance.using(Random(7)):
        assert [draw(1_000) for _ in range(5)] == first
    with chance.using(Random(8)):
        assert [draw(1_000) for _ in range(5)] != first


def test_the_jitter_of_retries_comes_from_the_one_source() -> None:
    with chance.using(Random(7)):
        assert schedule.jitter_fraction() == Random(7).random()
