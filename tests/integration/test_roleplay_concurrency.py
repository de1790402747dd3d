"""Concurrent roleplay requests on the engine: one redemption, one score, and quota and keys within their limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from switchboard.accounts import keys
from switchboard.accounts.models import KeyKind
from switchboard.aws.writes import commit
from switchboard.cli.commands import operator_origin
from switchboard.errors import Conflict, QuotaExceeded, Unauthenticated
from switchboard.kit import chance, clock
from switchboard.roleplay import lifecycle, scoring, sessions, store
from switchboard.roleplay.models import DrillRequest, RoleplayCall, RoleplayState, TransportReport
from switchboard.roleplay.transports import simulator
from switchboard.usage import charges
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Reseller, reseller
from tests.integration.concurrency.conftest import run_together
from tests.integration.sabotage import scan_items

pytestmark = pytest.mark.usefixtures("engine_cloud")

WANTED = DrillRequest(drill_key="fe-objection-handling")


@pytest.fixture(autouse=True)
def _any_slice(_first_slice: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Usage is counted on any slice, as in a deployment."""
    monkeypatch.setattr(charges, "choose_slice", chance.below)


def count_kinds(outcomes: Iterable[Any]) -> Counter[type]:
    return Counter(type(outcome) for outcome in outcomes)


def redeem(token: str) -> sessions.CallWithTicket:
    return sessions.redeem_session(sessions.admit_token(token), WANTED)


@pytest.mark.parametrize("number", [2, 24])
def test_one_of_many_concurrent_redemptions_wins(number: int) -> None:
    acme = reseller()
    token = sessions.mint_session(acme.caller(), "rep", None).token
    outcomes = run_together([lambda: redeem(token)] * number)
    assert count_kinds(outcomes) == {sessions.CallWithTicket: 1, Unauthenticated: number - 1}
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Unauthenticated)} == {"token_used"}
    assert sum(item["sk"] == {"S": "call"} for item in scan_items("activity")) == 1


def test_redemptions_that_pass_the_check_together_do_not_both_win() -> None:
    acme = reseller()
    token = sessions.mint_session(acme.caller(), "rep", None).token
    admissions = [sessions.admit_token(token) for _ in range(16)]
    outcomes = run_together([lambda one=one: sessions.redeem_session(one, WANTED) for one in admissions])
    assert count_kinds(outcomes) == {sessions.CallWithTicket: 1, Unauthenticated: 15}


def test_the_quota_holds_under_concurrent_minting() -> None:
    acme = reseller(roleplays_per_month=5)
    caller = acme.caller()
    outcomes = run_together([lambda: sessions.mint_session(caller, "rep", None)] * 16)
    assert count_kinds(outcomes) == {sessions.SessionWithToken: 5, QuotaExceeded: 11}
    assert usage.used_in_month(acme.org_id, clock.now_iso()[:7], sessions.ROLEPLAY_COUNTER) == 5


def test_a_place_is_returned_once_even_if_the_timer_repeats() -> None:
    acme = reseller()
    caller = acme.caller()
    made = [sessions.mint_session(caller, "rep", None).session for _ in range(3)]
    run_together([lambda: sessions.expire_session(acme.org_id, made[0].id)] * 8)
    assert usage.used_in_month(acme.org_id, clock.now_iso()[:7], sessions.ROLEPLAY_COUNTER) == 2


def practised(acme: Reseller, apply: Callable[[list[TransportReport]], Any]) -> RoleplayCall:
    call = redeem(sessions.mint_session(acme.caller(), "rep_good", None).token).call
    course = simulator.course(lifecycle.room_of(call), step=0)
    apply(
        [TransportReport.model_validate({"org_id": call.org_id, "call_id": call.id, **report}) for _, report in course]
    )
    found = store.CALLS.get_object(call.org_id, call.id)
    assert found is not None
    return found


def test_concurrent_reports_are_all_applied() -> None:
    def together(course: list[TransportReport]) -> None:
        assert not [
            one for one in run_together([lambda one=one: lifecycle.apply_report(one) for one in course[:-1]]) if one
        ]
        lifecycle.apply_report(course[-1])

    call = practised(reseller(), together)
    turns = store.list_turns(call.org_id, call.id)
    assert (call.state, call.turns) == (RoleplayState.ENDED, len(turns))
    assert [turn.number for turn in turns] == list(range(len(turns)))


def test_several_workers_score_a_call_once() -> None:
    acme = reseller()
    call = practised(acme, lambda course: [lifecycle.apply_report(progress) for progress in course])
    assert set(run_together([lambda: scoring.score_call(call.org_id, call.id)] * 4)) == {None}
    told = [item for item in scan_items("activity") if item.get("type") == {"S": "roleplay.call.scored"}]
    assert len(told) == 1
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units[Meter.ROLEPLAY] == 1


def test_concurrent_creations_make_five_keys_at_most() -> None:
    acme = reseller()  # has one already
    origin = operator_origin(acme.org_id)

    def make() -> None:
        _, writes = keys.key_writes(origin, KeyKind.ATHOS, "key")
        commit(writes)

    for _ in range(3):
        assert count_kinds(run_together([make] * 6)).keys() <= {type(None), Conflict}
    found, _ = keys.list_keys(acme.org_id, 100, None)
    assert 2 <= sum(key.kind is KeyKind.ATHOS for key in found) <= 5
