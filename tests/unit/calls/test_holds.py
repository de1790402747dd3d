"""Holds: a spending cap and the included minutes hold while many calls run at one time."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap
from switchboard.accounts.plans import PlanName
from switchboard.calls import dialing, holds, timeouts
from switchboard.calls.holds import TalkHold
from switchboard.calls.models import Call, State
from switchboard.carriers import voice
from switchboard.errors import Contended, QuotaExceeded
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.usage.models import MICROS_PER_CENT, Meter
from tests.actors import Tenant, system, tenant
from tests.fakes.voice import Provider
from tests.unit.calls.calls_in import Line, make_line
from tests.unit.calls.live_calls import dial_call, minutes_used, place_call, read_call, report_progress

pytestmark = pytest.mark.usefixtures("cloud", "frozen")
_MINUTE_CENTS = usage.price_micros(Meter.VOICE_BASIC) // MICROS_PER_CENT


def set_cap(acme: Tenant, minutes: int) -> None:
    """Sets a cap that has room for so many minutes."""
    spent = usage.used_in_month(acme.org_id, clock.now_iso()[:7], "capped") // MICROS_PER_CENT
    org = organizations.get_organization(acme.org_id)
    cap = HardCap(enabled=True, monthly_cap_cents=spent + minutes * _MINUTE_CENTS)
    usage.set_hard_cap(system(acme.org_id), org, cap)


def promised_minutes(carrier: Provider) -> int:
    return sum(placement.most_seconds for placement in carrier.placements) // 60


def counted_minutes(acme: Tenant) -> int:
    """Returns the minutes that count towards the cap, with those that calls hold."""
    numbers = usage.get_monthly_usage(acme.org_id).units[Meter.NUMBER_LOCAL] * usage.price_micros(Meter.NUMBER_LOCAL)
    counted = usage.used_in_month(acme.org_id, clock.now_iso()[:7], "capped") - numbers
    return counted // usage.price_micros(Meter.VOICE_BASIC)


@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.GROWTH])
def test_calls_at_one_time_share_what_the_cap_has_left(cloud: Any, carrier: Provider, plan: PlanName) -> None:
    acme = tenant("acme", plan)
    set_cap(acme, 100)
    for _ in range(5):
        dial_call(acme)
    assert len(carrier.placements) == 5
    assert 50 <= promised_minutes(carrier) <= 100
    assert counted_minutes(acme) == promised_minutes(carrier)


def test_where_nobody_pays_calls_at_one_time_share_the_included_minutes(cloud: Any, carrier: Provider) -> None:
    free = tenant("free", PlanName.FREE, concurrent_calls=5)
    for _ in range(5):
        dial_call(free)
    assert carrier.placements[0].most_seconds > 60
    assert promised_minutes(carrier) <= 10


def test_the_end_of_a_call_gives_back_what_it_did_not_use(acme: Tenant, carrier: Provider) -> None:
    set_cap(acme, 40)
    call = dial_call(acme)
    assert (minutes_used(acme), counted_minutes(acme)) == (1, promised_minutes(carrier))
    report_progress(call, "answered")
    report_progress(call, "ended", duration_seconds=125)
    assert (minutes_used(acme), counted_minutes(acme)) == (3, 3)
    report_progress(call, "ended", duration_seconds=125)
    assert counted_minutes(acme) == 3


def test_a_call_that_nobody_answered_gives_all_back(acme: Tenant, carrier: Provider) -> None:
    set_cap(acme, 40)
    report_progress(dial_call(acme), "ended", end_reason="no_answer")
    assert counted_minutes(acme) == 0


def test_a_corrected_length_gives_nothing_back_twice(
    acme: Tenant, carrier: Provider, frozen: clock.FrozenClock
) -> None:
    set_cap(acme, 40)
    call = dial_call(acme)
    report_progress(call, "answered")
    frozen.advance(hours=2)
    timeouts.close_call(call.org_id, call.id, State.ACTIVE)
    assert (read_call(call).provisional, counted_minutes(acme)) == (True, 1)
    report_progress(call, "ended", duration_seconds=300)
    assert counted_minutes(acme) == 5


def test_a_busy_provider_gives_the_hold_back(acme: Tenant, carrier: Provider) -> None:
    set_cap(acme, 40)
    carrier.outcome = voice.ThrottledError("later")
    call = dial_call(acme)
    assert (call.state, counted_minutes(acme)) == (State.CREATED, 1)
    carrier.outcome = "sim_2"
    carrier.placements.clear()
    dialing.dial_call(call.org_id, call.id)
    assert counted_minutes(acme) == promised_minutes(carrier) > 1


def test_a_further_call_is_accepted_while_others_hold_minutes(acme: Tenant, carrier: Provider) -> None:
    """A hold never takes all that is left: the next call still begins."""
    set_cap(acme, 12)
    calls = [dial_call(acme) for _ in range(4)]
    assert all(isinstance(call, Call) for call in calls)
    assert promised_minutes(carrier) <= 12


def test_a_call_without_a_limit_holds_nothing(acme: Tenant, carrier: Provider) -> None:
    call = dial_call(acme)
    assert ([one.most_seconds for one in carrier.placements], call.held_minutes) == ([3_600], 0)


def test_texts_and_calls_meet_at_one_cap(acme: Tenant, carrier: Provider) -> None:
    """A mail or a text cannot use what a call holds."""
    set_cap(acme, 10)
    dial_call(acme)
    left = 10 - promised_minutes(carrier)
    org = organizations.get_organization(acme.org_id)
    usage.commit_spending(org, Meter.VOICE_BASIC, left)
    with pytest.raises(QuotaExceeded):
        place_call(acme)


def test_calls_in_share_what_is_left(acme: Tenant) -> None:
    line: Line = make_line(acme)
    set_cap(acme, 60)
    for number in range(1, 6):
        line.ask(call=number)
    held = [line.read_call(number).held_minutes for number in range(1, 6)]
    assert held[0] >= held[-1] > 0
    assert counted_minutes(acme) == sum(held) + 5 <= 60
    line.end_call(seconds=59)
    assert counted_minutes(acme) == sum(held[1:]) + 5


def test_a_transfer_counts_before_it_is_over(acme: Tenant) -> None:
    line = make_line(acme, transfer_map={"sales": "+14155550143"})
    set_cap(acme, 30)
    line.ask(call=1)
    line.ask(call=2)
    first = line.ask("after-talk/0", call=1, HandoffData='{"transfer": "sales"}')[-1]
    second = line.ask("after-talk/0", call=2, HandoffData='{"transfer": "sales"}')[-1]
    legs = [int(dial["timeLimit"]) // 60 for dial in (first, second)]
    assert all(legs)
    # Two legs each, beside the minute that each call has begun.
    assert 2 * sum(legs) + 2 <= counted_minutes(acme) <= 30


def test_a_call_that_was_outrun_asks_again_and_holds_less(
    acme: Tenant, carrier: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both dialers read the same rest before one of them claims."""
    set_cap(acme, 7)
    first, second, found = place_call(acme), place_call(acme), holds.find_hold

    def let_the_other_go_first(*given: Any) -> TalkHold:
        hold = found(*given)
        monkeypatch.setattr(holds, "find_hold", lambda *_: TalkHold(300, 4))
        dialing.dial_call(second.org_id, second.id)
        monkeypatch.setattr(holds, "find_hold", found)
        return hold

    monkeypatch.setattr(holds, "find_hold", let_the_other_go_first)
    with pytest.raises(Contended):
        dialing.dial_call(first.org_id, first.id)
    assert read_call(first).state is State.CREATED
    dialing.dial_call(first.org_id, first.id)
    assert promised_minutes(carrier) == counted_minutes(acme) <= 7
