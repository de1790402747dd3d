"""The cost of a call is settled in the month of its first minute, so that a spending cap stays exact."""

from __future__ import annotations

import pytest

from switchboard.access import keys as access
from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap
from switchboard.accounts.plans import PlanName
from switchboard.calls.models import Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock
from switchboard.usage import service as usage
from tests.actors import Tenant, tenant
from tests.fakes.voice import Provider
from tests.unit.calls.live_calls import dial_call, place_call, read_call, report_progress

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

JANUARY, FEBRUARY = "2026-01", "2026-02"
PRICE = 70_000
#: The cost of two minutes of basic calls.
CENTS = 14


@pytest.fixture(autouse=True)
def _carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: provider.carrier)


@pytest.fixture(params=[PlanName.STARTER, PlanName.SCALE])
def acme(request: pytest.FixtureRequest) -> Tenant:
    return tenant(plan=request.param)


def set_cap(acme: Tenant, *, voice: bool = True) -> None:
    cap = HardCap(enabled=True, monthly_cap_cents=CENTS, meters={"email": True, "voice": voice})
    usage.set_hard_cap(acme.caller(master=True), organizations.get_organization(acme.org_id), cap)
    access.clear_cache()


def move_to_before(frozen: clock.FrozenClock, month: str, seconds: int) -> None:
    """Move the clock to a number of seconds before a month begins."""
    left = clock.parse(f"{month}-01T00:00:00.000Z") - clock.now()
    frozen.advance(seconds=left.total_seconds() - seconds)


def fits_the_cap(acme: Tenant) -> bool:
    try:
        place_call(acme)
    except QuotaExceeded:
        return False
    return True


def count_fitting_calls(acme: Tenant) -> int:
    """Returns how many of five calls the cap accepts."""
    return sum(fits_the_cap(acme) for _ in range(5))


def read_usage(acme: Tenant, month: str) -> tuple[int, int, int]:
    """Returns the minutes, their cost, and the part of the cost that counts towards the cap."""
    found = usage.get_monthly_usage(acme.org_id, month)
    return found.units["voice_basic"], found.spent_micros, usage.used_in_month(acme.org_id, month, "capped")


def report_busy(call: Call) -> None:
    report_progress(call, "ended", end_reason=EndReason.BUSY, duration_seconds=0)


def test_an_unanswered_call_that_ends_next_month_is_refunded_in_its_own_month(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    set_cap(acme)
    move_to_before(frozen, FEBRUARY, seconds=10)
    call = dial_call(acme)
    assert read_usage(acme, JANUARY) == (1, PRICE, PRICE)
    frozen.advance(seconds=20)
    report_busy(call)
    assert read_usage(acme, JANUARY) == read_usage(acme, FEBRUARY) == (0, 0, 0)
    assert count_fitting_calls(acme) == 2


def test_all_minutes_of_a_call_count_in_the_month_of_its_first(acme: Tenant, frozen: clock.FrozenClock) -> None:
    set_cap(acme)
    move_to_before(frozen, FEBRUARY, seconds=10)
    call = dial_call(acme)
    report_progress(call, "answered")
    frozen.advance(minutes=3)
    report_progress(call, "ended", end_reason=EndReason.COMPLETED, duration_seconds=150)
    assert read_usage(acme, JANUARY) == (3, 3 * PRICE, 3 * PRICE)
    assert read_usage(acme, FEBRUARY) == (0, 0, 0)
    assert count_fitting_calls(acme) == 2


def test_a_call_that_did_not_count_towards_the_cap_refunds_nothing_to_it(acme: Tenant) -> None:
    set_cap(acme, voice=False)
    calls = [dial_call(acme) for _ in range(3)]
    set_cap(acme, voice=True)
    for call in calls:
        report_busy(call)
    assert read_usage(acme, JANUARY) == (0, 0, 0)
    assert count_fitting_calls(acme) == 2


def test_a_call_that_counted_towards_the_cap_is_refunded_even_if_calls_no_longer_count(acme: Tenant) -> None:
    set_cap(acme, voice=True)
    calls = [dial_call(acme) for _ in range(2)]
    set_cap(acme, voice=False)
    for call in calls:
        report_busy(call)
    assert read_usage(acme, JANUARY) == (0, 0, 0)
    set_cap(acme, voice=True)
    assert count_fitting_calls(acme) == 2


@pytest.mark.parametrize("counted", [True, False])
def test_further_minutes_count_towards_the_cap_if_the_first_did(acme: Tenant, counted: bool) -> None:
    set_cap(acme, voice=counted)
    call = dial_call(acme)
    report_progress(call, "answered")
    set_cap(acme, voice=not counted)
    report_progress(call, "ended", end_reason=EndReason.COMPLETED, duration_seconds=61)
    assert read_usage(acme, JANUARY) == (2, 2 * PRICE, 2 * PRICE * counted)


def test_a_simulated_call_is_not_settled(acme: Tenant) -> None:
    call = dial_call(acme, simulated=True)
    assert call.receipt is None
    report_progress(call, "answered")
    report_progress(call, "ended", end_reason=EndReason.COMPLETED, duration_seconds=61, outcome="success")
    assert (read_call(call).state, read_call(call).cost_micros) == (State.COMPLETED, 0)
    assert read_usage(acme, JANUARY) == (0, 0, 0)
