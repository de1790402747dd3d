"""The pace of a number: rates by its type, reserved times, and campaigns beside single texts."""

from __future__ import annotations

import pytest

from switchboard.kit import clock
from switchboard.messaging import pacing
from switchboard.messaging.models import MessageStatus
from tests.actors import Tenant
from tests.fakes.texts import FakeMessenger
from tests.integration.sabotage import Sabotage
from tests.unit.messaging.texts_out import Desk, give_number, open_desk, read_again, work_off

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def desk(acme: Tenant) -> Desk:
    return open_desk(acme)


@pytest.mark.parametrize(
    ("number", "rate"),
    [("+14155550199", 1), ("+18005550199", 3), ("28777", 100), ("+28777", 100), ("+442071838750", 1)],
)
def test_each_type_of_number_has_its_rate(number: str, rate: int) -> None:
    assert pacing.segments_per_second(number) == rate


def test_operators_set_the_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_TEXTS_PER_SECOND_LONG_CODE", "10")
    assert pacing.segments_per_second("+14155550199") == 10


def test_single_texts_go_out_one_a_second_and_each_reserves_one_time(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    texts = [desk.send(desk.talk_with(f"+14155550{120 + place}")) for place in range(4)]
    now = int(clock.epoch() * 1_000)
    slots = [pacing.reserve_slot(text, None) for text in texts]
    assert slots == [None, now + 1_000, now + 2_000, now + 3_000]
    # A job that comes early keeps its time, and one that comes at its time uses it.
    assert pacing.reserve_slot(texts[3], slots[3]) == slots[3]
    frozen.advance(seconds=3)
    assert work_off(texts[3], slots[3]).status is MessageStatus.ACCEPTED
    assert work_off(texts[3], slots[3]) == read_again(texts[3])
    assert len(messenger.taken) == 1
    # A job that is much later has lost its time.
    frozen.advance(seconds=2)
    other = desk.send(desk.talk_with("+14155550199".replace("0199", "0150")))
    assert pacing.reserve_slot(other, None) is None
    assert pacing.reserve_slot(texts[1], slots[1]) == int(clock.epoch() * 1_000) + 1_000


def test_a_text_that_waits_for_its_time_stays_queued(desk: Desk, messenger: FakeMessenger) -> None:
    first, second = (desk.send(desk.talk_with(f"+14155550{120 + place}")) for place in range(2))
    assert work_off(first).status is MessageStatus.ACCEPTED
    assert work_off(second).status is MessageStatus.QUEUED
    assert len(messenger.taken) == 1


def test_a_text_that_waited_too_long_fails_and_is_given_back(
    desk: Desk, messenger: FakeMessenger, frozen: clock.FrozenClock
) -> None:
    text = desk.send(desk.talk_with())
    frozen.advance(hours=4, seconds=1)
    failed = work_off(text)
    assert (failed.status, failed.error_code) == (MessageStatus.FAILED, "waited_too_long")
    assert (desk.spent(), messenger.taken) == ((0, 0), [])


def test_a_campaign_takes_one_second_and_none_while_single_texts_wait(desk: Desk, frozen: clock.FrozenClock) -> None:
    toll_free = give_number(desk.org_id, "+18005550199")
    assert [pacing.take_slots(toll_free, [1] * 10), pacing.take_slots(toll_free, [1] * 10)] == [3, 0]
    frozen.advance(seconds=1)
    single = Desk(desk.who, toll_free)
    texts = [single.send(single.talk_with(f"+14155550{120 + place}")) for place in range(3)]
    assert pacing.reserve_slot(texts[0], None) is None
    assert pacing.reserve_slot(texts[1], None) is not None
    assert pacing.take_slots(toll_free, [1] * 10) == 0
    frozen.advance(seconds=1)
    assert pacing.take_slots(toll_free, [1]) == 1
    # Within a second the single text goes out.
    later = pacing.reserve_slot(texts[2], None)
    assert later is not None
    assert later - clock.epoch() * 1_000 <= 1_000


def test_a_campaign_uses_the_rate_of_its_number(desk: Desk, frozen: clock.FrozenClock) -> None:
    number = give_number(desk.org_id, "+18005550199")
    taken = 0
    for _ in range(60):
        taken += pacing.take_slots(number, [1] * 10)
        frozen.advance(seconds=1.05)
    # In 63 seconds.
    assert 3 * 63 * 0.97 <= taken <= 3 * 64


def test_the_texts_of_a_turn_take_the_times_that_nobody_used(desk: Desk, frozen: clock.FrozenClock) -> None:
    number = desk.number
    assert pacing.segments_per_second(number.e164) == 1
    taken = 0
    for _ in range(30):
        with Sabotage().counting() as calls:
            taken += (found := pacing.take_slots(number, [1] * 5))
        assert found == 5
        assert len(calls) <= 2
        frozen.advance(seconds=5.033)
    assert taken == 150
    frozen.advance(seconds=-4)
    # A second later there is no unused time, and a single text waits for at most a second.
    assert pacing.take_slots(number, [1] * 5) <= 2
    later = pacing.reserve_slot(desk.send(desk.talk_with("+14155550120")), None)
    assert later is None or later - clock.epoch() * 1_000 <= 1_000


def test_long_texts_of_a_turn_take_as_many_times_as_they_have_segments(desk: Desk, frozen: clock.FrozenClock) -> None:
    taken = 0
    for _ in range(120):
        taken += 2 * pacing.take_slots(desk.number, [2] * 5)
        frozen.advance(seconds=1.01)
    # In 121 seconds, with those of the five seconds before.
    assert 115 <= taken <= 128


def test_the_texts_of_a_turn_take_nothing_while_single_texts_wait(desk: Desk, frozen: clock.FrozenClock) -> None:
    texts = [desk.send(desk.talk_with(f"+14155550{120 + place}")) for place in range(3)]
    assert [pacing.reserve_slot(text, None) is None for text in texts] == [True, False, False]
    assert [pacing.take_slots(desk.number, [1] * wanted) for wanted in range(1, 6)] == [0] * 5


def test_simulated_numbers_have_no_pace_and_cost_no_request(acme: Tenant) -> None:
    desk = open_desk(acme, provider="simulator")
    with Sabotage().counting() as calls:
        assert pacing.take_slots(desk.number, [1] * 500) == 500
    assert calls == []
    text = desk.send(desk.talk_with())
    assert [pacing.reserve_slot(text, None) for _ in range(3)] == [None] * 3


def test_nothing_is_taken_for_nothing(desk: Desk) -> None:
    assert pacing.take_slots(desk.number, []) == 0


def test_a_long_text_takes_the_time_of_its_segments(desk: Desk, frozen: clock.FrozenClock) -> None:
    three, one = "x" * 459, "x"
    texts = [desk.send(desk.talk_with(f"+14155550{120 + place}"), body) for place, body in enumerate((three, one, one))]
    now = int(clock.epoch() * 1_000)
    assert [pacing.reserve_slot(text, None) for text in texts] == [None, now + 3_000, now + 4_000]


def test_a_campaign_takes_its_times_by_segments(desk: Desk, frozen: clock.FrozenClock) -> None:
    toll_free, segments = give_number(desk.org_id, "+18005550199"), 0
    # The times of two seconds are unused, and one more is free.
    assert [pacing.take_slots(toll_free, [3] * 4), pacing.take_slots(toll_free, [1])] == [3, 0]
    for _ in range(60):
        segments += 3 * pacing.take_slots(desk.number, [3] * 5)
        frozen.advance(seconds=1)
    # With the unused times of five seconds before.
    assert 57 <= segments <= 66
    frozen.advance(seconds=10)
    # A text of more segments than a second has is taken alone, and its time ends before the next one.
    assert [pacing.take_slots(desk.number, [9, 1]), pacing.take_slots(desk.number, [1])] == [1, 0]
    frozen.advance(seconds=8.9)
    assert pacing.take_slots(desk.number, [1]) == 0
    frozen.advance(seconds=0.1)
    assert pacing.take_slots(desk.number, [1]) == 1
