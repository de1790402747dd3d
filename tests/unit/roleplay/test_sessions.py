"""Sessions: the quota, the one redemption, and what leaves a token unspent."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.audit import service as audit
from switchboard.aws import queues
from switchboard.cli.commands import operator_origin
from switchboard.errors import DomainError, Forbidden, Invalid, NotFound, QuotaExceeded, Unauthenticated, Unavailable
from switchboard.kit import clock, ids
from switchboard.roleplay import calls, sessions, store, transports
from switchboard.roleplay.catalog.models import Difficulty
from switchboard.roleplay.models import SESSION_MOVES, RoleplaySession, SessionState
from switchboard.timers import store as timer_store
from switchboard.usage import service as usage
from tests.actors import Reseller, reseller
from tests.integration.sabotage import Later, Sabotage, Stream, drain, tick, work
from tests.unit.roleplay.conftest import redeemed, wanted

MONTH = "2026-01"


def minted(acme: Reseller, user: str = "rep_1") -> sessions.SessionWithToken:
    return sessions.mint_session(acme.caller(), user, None)


def state(session: RoleplaySession) -> SessionState:
    found = store.SESSIONS.get(session.org_id, session.id)
    assert found is not None
    return found.state


def taken(acme: Reseller) -> int:
    return usage.used_in_month(acme.org_id, MONTH, sessions.ROLEPLAY_COUNTER)


def pass_time(frozen: clock.FrozenClock, **by: float) -> None:
    """Let time pass, and do what is due."""
    later = Later(queues.try_send_messages)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queues, "try_send_messages", later)
        Stream().hand_on()
        frozen.advance(**by)
        tick()
        later.bring()
    work("workers/roleplay")


# --- the quota --------------------------------------------------------------------------------------------------


def test_the_months_quota_holds_at_minting_and_begins_anew_with_the_month(
    frozen: clock.FrozenClock, cloud: Any
) -> None:
    acme = reseller(roleplays_per_month=2)
    for _ in range(2):
        minted(acme)
    with pytest.raises(QuotaExceeded) as refusal:
        minted(acme)
    assert (refusal.value.details["current"], refusal.value.details["cap"]) == (2, 2)
    frozen.advance(days=16, hours=6, minutes=59, seconds=59)  # the month's last second
    with pytest.raises(QuotaExceeded):
        minted(acme)
    frozen.advance(seconds=1)
    assert minted(acme).session.period == "2026-02"


def test_no_limit_is_no_limit(frozen: clock.FrozenClock, cloud: Any) -> None:
    acme = reseller(plan=PlanName.ENTERPRISE)
    assert acme.caller().organization.terms.roleplays_per_month is None
    minted(acme)
    assert taken(acme) == 1


def test_one_tenants_roleplays_are_not_anothers(acme: Reseller) -> None:
    minted(acme)
    assert taken(reseller("other")) == 0


def test_a_session_that_expires_unredeemed_gives_its_place_back_once(acme: Reseller, frozen: clock.FrozenClock) -> None:
    timer_store.advance_watermark(clock.now_iso()[:16])
    session = minted(acme).session
    pass_time(frozen, minutes=5)
    assert (taken(acme), state(session)) == (1, SessionState.MINTED), "a redemption may still be under way"
    pass_time(frozen, minutes=1, seconds=1)
    sessions.expire_session(session.org_id, session.id)
    assert (taken(acme), state(session)) == (0, SessionState.EXPIRED)


def test_it_is_given_back_to_the_month_that_it_was_taken_of(acme: Reseller, frozen: clock.FrozenClock) -> None:
    frozen.advance(days=16, hours=6, minutes=59)
    session = minted(acme).session
    frozen.advance(minutes=7)
    sessions.expire_session(session.org_id, session.id)
    assert (taken(acme), usage.used_in_month(acme.org_id, "2026-02", sessions.ROLEPLAY_COUNTER)) == (0, 0)


def test_a_call_keeps_its_place(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeemed(acme)
    frozen.advance(minutes=7)
    sessions.expire_session(call.org_id, call.session_id)
    assert taken(acme) == 1


# --- redemption -------------------------------------------------------------------------------------------------


def refused(token: str, kind: type[DomainError], **wish: Any) -> str:
    with pytest.raises(kind) as refusal:
        sessions.redeem_session(sessions.admit_token(token), wanted(**wish))
    return refusal.value.code


def test_a_token_is_redeemed_once(acme: Reseller) -> None:
    made = minted(acme)
    call, ticket = sessions.redeem_session(sessions.admit_token(made.token), wanted())
    assert call.id.startswith("athos_call_")
    assert len(call.id) == len("athos_call_") + 21
    assert (call.session_id, call.correlation_id) == (made.session.id, made.session.correlation_id)
    assert ticket.token
    assert refused(made.token, Unauthenticated) == "token_used"
    assert state(made.session) is SessionState.STARTED


def test_who_comes_second_is_told_so_at_the_write(acme: Reseller) -> None:
    token = minted(acme).token
    both = sessions.admit_token(token), sessions.admit_token(token)
    sessions.redeem_session(both[0], wanted())
    with pytest.raises(Unauthenticated) as refusal:
        sessions.redeem_session(both[1], wanted())
    assert refusal.value.code == "token_used"


def test_an_unknown_drill_spends_the_token_and_gives_the_place_back(acme: Reseller) -> None:
    made = minted(acme)
    with pytest.raises(Invalid, match="the token is spent: mint a new one") as refusal:
        sessions.redeem_session(sessions.admit_token(made.token), wanted(drill_key="ma-nothing"))
    assert refusal.value.code == "drill_not_found"
    assert refused(made.token, Unauthenticated) == "token_used"
    assert (taken(acme), state(made.session)) == (0, SessionState.FAILED)


def test_a_drill_that_is_switched_off_is_none(acme: Reseller) -> None:
    calls.switch_drill(operator_origin(acme.org_id), "ma-t65", on=False)
    assert refused(minted(acme).token, Invalid, drill_key="ma-t65") == "drill_not_found"
    assert redeemed(reseller("other"), drill_key="ma-t65").drill_key == "ma-t65"
    calls.switch_drill(operator_origin(acme.org_id), "ma-t65", on=True)
    assert redeemed(acme, drill_key="ma-t65").drill_key == "ma-t65"


def test_a_drill_that_is_not_there_cannot_be_switched(acme: Reseller) -> None:
    with pytest.raises(NotFound):
        calls.switch_drill(operator_origin(acme.org_id), "ma-nothing", on=False)


def test_a_transport_that_is_down_spends_the_token_and_gives_the_place_back(acme: Reseller) -> None:
    made = minted(acme, "rep_shut_out")
    assert refused(made.token, Unavailable) == "unavailable"
    assert (taken(acme), state(made.session)) == (0, SessionState.FAILED)
    assert refused(made.token, Unauthenticated) == "token_used"


def test_a_redemption_that_was_stopped_on_its_way_is_ended_by_the_timer(
    acme: Reseller, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    timer_store.advance_watermark(clock.now_iso()[:16])
    made = minted(acme)

    def stopped(_: str) -> Any:
        raise RuntimeError("the process is gone")

    monkeypatch.setattr(transports, "named", stopped)
    with pytest.raises(RuntimeError):
        sessions.redeem_session(sessions.admit_token(made.token), wanted())
    assert state(made.session) is SessionState.REDEEMED
    pass_time(frozen, minutes=6, seconds=1)
    assert (taken(acme), state(made.session)) == (0, SessionState.FAILED)


def test_a_write_whose_answer_was_lost_is_known_again(acme: Reseller) -> None:
    admission = sessions.admit_token(minted(acme).token)
    Sabotage().lose_answer("PutItem")
    assert sessions.redeem_session(admission, wanted()).call.session_id == admission.session.id


def test_a_redemption_that_takes_too_long_is_told_that_its_session_expired(
    acme: Reseller, monkeypatch: pytest.MonkeyPatch
) -> None:
    admission, cast = sessions.admit_token(minted(acme).token), sessions._choose_persona

    def slow(*arguments: Any) -> Any:
        sessions.expire_session(acme.org_id, admission.session.id)
        return cast(*arguments)

    monkeypatch.setattr(sessions, "_choose_persona", slow)
    with pytest.raises(Unauthenticated) as refusal:
        sessions.redeem_session(admission, wanted())
    assert refusal.value.code == "token_expired"
    assert (taken(acme), state(admission.session)) == (0, SessionState.FAILED)


def test_a_tenant_that_was_suspended_since_is_refused_with_its_token_unspent(acme: Reseller) -> None:
    token = minted(acme).token
    organizations.set_status(operator_origin(acme.org_id), "suspended")
    with pytest.raises(Forbidden) as refusal:
        sessions.admit_token(token)
    assert refusal.value.code == "organization_inactive"
    organizations.set_status(operator_origin(acme.org_id), "active")
    assert sessions.redeem_session(sessions.admit_token(token), wanted()).call


def test_redeeming_makes_no_use_of_the_category(acme: Reseller) -> None:
    assert redeemed(acme, category="anything").persona == redeemed(acme).persona


# --- the persona ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("difficulty", list(Difficulty))
def test_the_persona_is_as_difficult_as_was_asked(acme: Reseller, difficulty: Difficulty) -> None:
    assert redeemed(acme, difficulty=difficulty).persona.difficulty is difficulty


@pytest.mark.parametrize(("asked", "found"), [("TX", "TX"), (" tx ", "TX"), ("AZ", "AZ"), ("HI", "CA"), ("", "CA")])
def test_a_state_narrows_the_choice_and_falls_back_where_nobody_lives_there(
    acme: Reseller, asked: str, found: str
) -> None:
    assert redeemed(acme, state=asked).persona.state == found


def test_chance_chooses_among_those_that_fit(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(sessions, "choose_persona_index", lambda number: asked.append(number) or number - 1)
    assert redeemed(acme).persona.name == "Ruth Sandoval"
    assert asked == [3]


# --- states and events ------------------------------------------------------------------------------------------


def test_no_session_moves_backwards() -> None:
    order = list(SessionState)
    assert all(order.index(after) > order.index(before) for before, moves in SESSION_MOVES.items() for after in moves)
    assert SESSION_MOVES.keys() == set(SessionState)


def test_a_session_is_one_workflow_and_its_events_name_nobody(acme: Reseller) -> None:
    call = redeemed(acme, "ann@example.com", "agency of Ann")
    entries, _ = audit.list_workflow_events(acme.tenant.caller(master=True), call.correlation_id, 100, None)
    assert Counter(entry.document["action"] for entry in entries) == Counter(
        ["roleplay.session.minted", "roleplay.call.created"]
    )
    assert "Ann" not in json.dumps([entry.document for entry in entries]).title()
    assert redeemed(acme).correlation_id != call.correlation_id


def test_the_calls_id_is_random_and_safe_in_urls() -> None:
    with ids.using(lambda bits: (1 << bits) - 1):
        assert ids.new_nanoid("athos_call_") == "athos_call_" + "-" * 21
    with ids.using(lambda _: 0):
        assert ids.new_nanoid("x_") == "x_" + "A" * 21


def test_the_transports_begin_is_asked_for_by_the_event(acme: Reseller) -> None:
    call = redeemed(acme)
    assert drain("roleplay") == [], "nothing is said before the call is committed"
    assert store.CALLS.get(call.org_id, call.id) is not None
