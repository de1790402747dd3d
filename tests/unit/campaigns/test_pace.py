"""The throttle holds in every window of 60 seconds while workers die, and nearly all of it is used."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from switchboard.campaigns import pace
from switchboard.campaigns.pace import CampaignLane, CampaignPace, Grant, LaneTurn, Outcome, Stale, Wait
from tests.unit.campaigns.road import Faults, Road

_MINUTE = 60_000
_NOW = 10_000_000


def _road(seed: int, limit: int, minutes: int, faults: Faults, total: int | None = None) -> Road:
    road = Road(Random(seed), limit, total or limit * minutes * 2, faults)
    road.launch()
    road.run(minutes * _MINUTE)
    return road


@pytest.mark.parametrize(("limit", "minutes"), [(600, 10), (60, 10), (30, 12), (1, 400), (91, 10)])
def test_an_undisturbed_campaign_uses_99_percent_of_its_throttle_evenly_and_never_more(
    limit: int, minutes: int
) -> None:
    road = _road(limit, limit, minutes, Faults())
    end = minutes * _MINUTE

    assert road.worst_window() == limit
    # A message is seldom much too early.
    assert road.hops < road.turns * 4
    assert road.use(2 * _MINUTE, end) >= 0.99
    # The texts of a turn go out together, so the first and the last are half a turn from their place in an even row.
    together = _MINUTE * (-(-limit // pace.count_lanes(limit)) / limit)
    assert road.distance(2 * _MINUTE, end) < together / 2 + 700
    assert road.duplicates == 0


@pytest.mark.parametrize("seed", range(8))
def test_the_throttle_holds_while_workers_are_killed_messages_repeated_and_tables_throttled(seed: int) -> None:
    random = Random(seed)
    faults = Faults(
        killed=random.choice((0.0005, 0.003, 0.02)),
        repeated=random.choice((0.02, 0.2)),
        throttled=random.choice((0.005, 0.1)),
        refused=random.choice((0.0, 0.1, 0.9)),
    )
    limit = random.choice((600, 240, 61, 30, 7))

    road = _road(seed, limit, 8 if limit > 61 else 60, faults)

    assert road.kills
    assert road.worst_window() <= limit
    assert road.duplicates == 0


def test_every_recipient_gets_its_text_once_though_workers_die() -> None:
    road = _road(5, 300, 40, Faults(killed=0.01, repeated=0.1, throttled=0.02), total=2_000)

    assert road.kills
    assert len(road.begun) == 2_000
    assert road.duplicates == 0


def test_recipients_without_a_text_cost_no_share_of_the_throttle() -> None:
    road = _road(6, 120, 12, Faults(refused=0.8), total=120 * 60)

    assert road.use(2 * _MINUTE, 10 * _MINUTE) >= 0.95


@pytest.mark.parametrize("limits", [(600, 600), (600, 60), (60, 600), (1, 30)])
def test_a_resumed_campaign_keeps_the_throttle_of_the_texts_before_its_pause(limits: tuple[int, int]) -> None:
    road = _road(7, limits[0], 3, Faults(killed=0.002))
    before = dict(road.begun)
    road.launch(2, limits[1])
    road.run(8 * _MINUTE)

    both = Road(Random(0), max(limits), 0, begun=road.begun, ended=road.ended)
    assert len(road.begun) > len(before)
    assert both.worst_window() <= max(limits)
    assert road.duplicates == 0


def _pace(**lane: Any) -> CampaignPace:
    return CampaignPace(1, 60, 500, (CampaignLane(turn=3, **lane), *(CampaignLane() for _ in range(11))))


_TURN = LaneTurn(1, 0, 4, _NOW, _NOW)


def test_a_turn_is_granted_once_and_takes_the_next_recipients() -> None:
    grant = pace.decide_grant(_pace(), _TURN, _NOW, 1_000)

    assert isinstance(grant, Grant)
    assert (grant.tokens, grant.takes, grant.lane.start, grant.lane.rows) == (5, 5, 500, 5)
    granted = replace(_pace(), next_index=505, lanes=(grant.lane, *_pace().lanes[1:]))
    assert isinstance(pace.decide_grant(granted, _TURN, _NOW + 1, 1_000), Wait)
    ended = pace.end_turn(grant, Outcome(5, _NOW + 300, 505, 0, 5))
    assert pace.decide_grant(replace(granted, lanes=(ended, *granted.lanes[1:])), _TURN, _NOW, 1_000) == Stale()


def test_a_killed_turn_is_granted_again_when_nothing_of_it_can_be_under_way() -> None:
    killed = _pace(tokens=1, start=499, rows=1, deadline=_NOW)
    again = replace(_TURN, number=3)
    over = _NOW + pace.SETTLED

    assert pace.decide_grant(killed, again, over, 1_000) == Wait(over + 1)
    grant = pace.decide_grant(killed, again, over + 1, 1_000)
    assert isinstance(grant, Grant)
    assert grant.retaken
    assert (grant.tokens, grant.takes, grant.lane.start, grant.lane.rows) == (1, 0, 499, 1)
    assert grant.lane.end == over - pace.TOLERANCE


def test_a_lane_waits_a_minute_after_its_last_text_though_its_message_says_less() -> None:
    grant = pace.decide_grant(_pace(end=_NOW - 30_000), _TURN, _NOW, 1_000)

    assert grant == Wait(_NOW + 30_000 + pace.TOLERANCE - pace.LEAD)


@pytest.mark.parametrize("turn", [replace(_TURN, launch=2), replace(_TURN, number=5), replace(_TURN, lane=60)])
def test_a_turn_of_another_launch_or_place_does_nothing(turn: LaneTurn) -> None:
    assert pace.decide_grant(_pace(), turn, _NOW, 1_000) == Stale()


def test_recipients_that_were_put_off_come_first() -> None:
    state = CampaignPace(1, 600, 500, tuple(CampaignLane() for _ in range(60)))
    grant = pace.decide_grant(state, replace(_TURN, number=1), _NOW, 1_000, (1, 4, 9, 16, 25, 36, 49))

    assert isinstance(grant, Grant)
    assert (grant.lane.due, grant.takes) == ((1, 4, 9, 16, 25, 36, 49), 3)


def test_a_lane_never_takes_a_recipient_that_does_not_exist() -> None:
    state = CampaignPace(1, 600, 995, tuple(CampaignLane() for _ in range(60)))
    grant = pace.decide_grant(state, replace(_TURN, number=1, reach=50), _NOW, 1_000)

    assert isinstance(grant, Grant)
    assert grant.takes == 5


def test_a_lane_sleeps_while_all_recipients_are_put_off() -> None:
    grant = pace.decide_grant(_pace(), _TURN, _NOW, 500)
    assert isinstance(grant, Grant)
    outcome = Outcome(0, 0, 500, 0, 0, next_due=_NOW + 7_200_000)
    following = pace.plan_next_turn(_TURN, grant, outcome, _NOW, more=False)

    assert pace.LONGEST_IDLE - _MINUTE < following.ready - _NOW < pace.LONGEST_IDLE + 2 * _MINUTE
    # Nothing can become due earlier: it sleeps until then.
    slept = pace.plan_next_turn(_TURN, grant, replace(outcome, quiet=True), _NOW, more=False)
    assert 7_200_000 <= slept.ready - _NOW < 7_200_000 + 2 * _MINUTE
    # It keeps its place in the minute.
    assert (following.slot - _TURN.slot) % pace.PERIOD == 0


def test_a_message_arrives_a_little_early_or_a_little_late() -> None:
    for early in range(-500, 3_000, 10):
        turn = replace(_TURN, ready=_NOW + pace.LEAD + early)
        arrives = pace.seconds_until(turn, _NOW) * 1_000
        assert arrives >= 0
        assert max(early, 0) - pace.MOST_EARLY <= arrives < max(early, 0) + 1_000


def test_a_busy_number_is_asked_less_and_less_often() -> None:
    grant = pace.decide_grant(_pace(), _TURN, _NOW, 1_000)
    assert isinstance(grant, Grant)
    turn, pauses = _TURN, []
    for _ in range(6):
        turn = pace.plan_next_turn(turn, grant, Outcome(0, 0, 500, 1, 0, number_busy=True), _NOW, more=True)
        pauses.append(turn.ready - _NOW)

    assert pauses == [2_000, 4_000, 8_000, 16_000, 16_000, 16_000]
    assert turn.left == 5
    assert turn.reach == 0


def test_the_lanes_together_have_the_throttle() -> None:
    for limit in range(1, 601):
        for together in (1, 2, 5):
            lanes = pace.count_lanes(limit, together)
            assert sum(pace.count_tokens(limit, lane, lanes) for lane in range(lanes)) == limit
            assert max(pace.count_tokens(limit, lane, lanes) for lane in range(lanes)) <= pace.MAX_TOKENS


@pytest.mark.parametrize("lanes", [1, 3, 8, 15, 16, 23, 60])
def test_each_shard_of_put_off_recipients_has_a_lane(lanes: int) -> None:
    read = [pace.list_shards(lane, lanes, 16) for lane in range(lanes)]

    assert {shard for shards in read for shard in shards} == set(range(16))
    assert max(len(shards) for shards in read) == -(-16 // min(lanes, 16))


def test_a_launch_begins_once_and_at_the_first_recipient_without_a_decision() -> None:
    state = CampaignPace(
        1, 600, 900, (CampaignLane(start=640, rows=4, deadline=_NOW), *(CampaignLane(end=_NOW) for _ in range(59)))
    )
    resumed = pace.start_launch(state, 2, 600)

    assert resumed
    assert resumed.next_index == 640
    assert resumed.lanes[0].end == _NOW + pace.SETTLED - pace.TOLERANCE
    assert pace.start_launch(resumed, 2, 600) is None
    assert pace.start_launch(resumed, 1, 600) is None
