"""Sessions: the quota, the single redemption, and the refusals that leave a token unspent."""

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
from tests.integration.sabotage import Later, Sabotage, Stream, drain_queue, run_tick, run_worker
from tests.unit.roleplay.conftest import redeem_session, session_request

MONTH = "2026-01"


def mint_session(acme: Reseller, user: str = "rep_1") -> sessions.SessionWithToken:
    return sessions.mint_session(acme.caller(), user, None)


def session_state(session: RoleplaySession) -> SessionState:
    found = store.SESSIONS.get_object(session.org_id, session.id)
    assert found is not None
    return found.state


def count_taken(acme: Reseller) -> int:
    return usage.used_in_month(acme.org_id, MONTH, sessions.ROLEPLAY_COUNTER)


def pass_time(frozen: clock.FrozenClock, **by: float) -> None:
    """Advance the time, and run due work."""
    later = Later(queues.try_send_messages)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queues, "try_send_messages", later)
        Stream().hand_on()
        frozen.advance(**by)
        run_tick()
        later.bring()
    run_worker("workers/roleplay")


def test_the_monthly_quota_holds_at_minting_and_resets_with_the_month(frozen: clock.FrozenClock, cloud: Any) -> None:
    acme = reseller(roleplays_per_month=2)
    for _ in range(2):
        mint_session(acme)
    with pytest.raises(QuotaExceeded) as refusal:
        mint_session(acme)
    assert (refusal.value.details["current"], refusal.value.details["cap"]) == (2, 2)
    frozen.advance(days=16, hours=6, minutes=59, seconds=59)  # the month's last second
    with pytest.raises(QuotaExceeded):
        mint_session(acme)
    frozen.advance(seconds=1)
    assert mint_session(acme).session.period == "2026-02"


def test_a_tenant_without_quota_is_not_limited(frozen: clock.FrozenClock, cloud: Any) -> None:
    acme = reseller(plan=PlanName.ENTERPRISE)
    assert acme.caller().organization.terms.roleplays_per_month is None
    mint_session(acme)
    assert count_taken(acme) == 1


def test_tenants_have_separate_quotas(acme: Reseller) -> None:
    mint_session(acme)
    assert count_taken(reseller("other")) == 0


def test_an_unredeemed_session_returns_its_place_once(acme: Reseller, frozen: clock.FrozenClock) -> None:
    timer_store.advance_watermark(clock.now_iso()[:16])
    session = mint_session(acme).session
    pass_time(frozen, minutes=5)
    assert (count_taken(acme), session_state(session)) == (1, SessionState.MINTED), "a redemption may still be running"
    pass_time(frozen, minutes=1, seconds=1)
    sessions.expire_session(session.org_id, session.id)
    assert (count_taken(acme), session_state(session)) == (0, SessionState.EXPIRED)


def test_the_place_is_returned_to_the_month_of_the_minting(acme: Reseller, frozen: clock.FrozenClock) -> None:
    frozen.advance(days=16, hours=6, minutes=59)
    session = mint_session(acme).session
    frozen.advance(minutes=7)
    sessions.expire_session(session.org_id, session.id)
    assert (count_taken(acme), usage.used_in_month(acme.org_id, "2026-02", sessions.ROLEPLAY_COUNTER)) == (0, 0)


def test_a_call_keeps_its_place(acme: Reseller, frozen: clock.FrozenClock) -> None:
    call = redeem_session(acme)
    frozen.advance(minutes=7)
    sessions.expire_session(call.org_id, call.session_id)
    assert count_taken(acme) == 1


def assert_refused(token: str, kind: type[DomainError], **wish: Any) -> str:
    with pytest.raises(kind) as refusal:
        sessions.redeem_session(sessions.admit_token(token), session_request(**wish))
    return refusal.value.code


def test_a_token_is_redeemed_once(acme: Reseller) -> None:
    made = mint_session(acme)
    call, ticket = sessions.redeem_session(sessions.admit_token(made.token), session_request())
    assert call.id.startswith("athos_call_")
    assert len(call.id) == len("athos_call_") + 21
    assert (call.session_id, call.correlation_id) == (made.session.id, made.session.correlation_id)
    assert ticket.token
    assert assert_refused(made.token, Unauthenticated) == "token_used"
    assert session_state(made.session) is SessionState.STARTED


def test_a_concurrent_second_redemption_is_refused_at_the_write(acme: Reseller) -> None:
    token = mint_session(acme).token
    both = sessions.admit_token(token), sessions.admit_token(token)
    sessions.redeem_session(both[0], session_request())
    with pytest.raises(Unauthenticated) as refusal:
        sessions.redeem_session(both[1], session_request())
    assert refusal.value.code == "token_used"


def test_an_unknown_drill_spends_the_token_and_returns_the_place(acme: Reseller) -> None:
    made = mint_session(acme)
    with pytest.raises(Invalid, match="used up the session token: mint a new one") as refusal:
        sessions.redeem_session(sessions.admit_token(made.token), session_request(drill_key="ma-nothing"))
    assert refusal.value.code == "drill_not_found"
    assert assert_refused(made.token, Unauthenticated) == "token_used"
    assert (count_taken(acme), session_state(made.session)) == (0, SessionState.FAILED)


def test_a_disabled_drill_is_unknown(acme: Reseller) -> None:
    calls.switch_drill(operator_origin(acme.org_id), "ma-t65", on=False)
    assert assert_refused(mint_session(acme).token, Invalid, drill_key="ma-t65") == "drill_not_found"
    assert redeem_session(reseller("other"), drill_key="ma-t65").drill_key == "ma-t65"
    calls.switch_drill(operator_origin(acme.org_id), "ma-t65", on=True)
    assert redeem_session(acme, drill_key="ma-t65").drill_key == "ma-t65"


def test_an_unknown_drill_cannot_be_switched(acme: Reseller) -> None:
    with pytest.raises(NotFound):
        calls.switch_drill(operator_origin(acme.org_id), "ma-nothing", on=False)


def test_an_unavailable_transport_spends_the_token_and_returns_the_place(acme: Reseller) -> None:
    made = mint_session(acme, "rep_shut_out")
    assert assert_refused(made.token, Unavailable) == "unavailable"
    assert (count_taken(acme), session_state(made.session)) == (0, SessionState.FAILED)
    assert assert_refused(made.token, Unauthenticated) == "token_used"


def test_the_timer_ends_a_killed_redemption(
    acme: Reseller, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    timer_store.advance_watermark(clock.now_iso()[:16])
    made = mint_session(acme)

    def stopped(_: str) -> Any:
        raise RuntimeError("the process is gone")

    monkeypatch.setattr(transports, "named", stopped)
    with pytest.raises(RuntimeError):
        sessions.redeem_session(sessions.admit_token(made.token), session_request())
    assert session_state(made.session) is SessionState.REDEEMED
    pass_time(frozen, minutes=6, seconds=1)
    assert (count_taken(acme), session_state(made.session)) == (0, SessionState.FAILED)


def test_a_write_with_a_lost_response_is_recognized(acme: Reseller) -> None:
    admission = sessions.admit_token(mint_session(acme).token)
    Sabotage().lose_answer("PutItem")
    assert sessions.redeem_session(admission, session_request()).call.session_id == admission.session.id


def test_a_redemption_that_takes_too_long_finds_its_session_expired(
    acme: Reseller, monkeypatch: pytest.MonkeyPatch
) -> None:
    admission, cast = sessions.admit_token(mint_session(acme).token), sessions._choose_persona

    def slow(*arguments: Any) -> Any:
        sessions.expire_session(acme.org_id, admission.session.id)
        return cast(*arguments)

    monkeypatch.setattr(sessions, "_choose_persona", slow)
    with pytest.raises(Unauthenticated) as refusal:
        sessions.redeem_session(admission, session_request())
    assert refusal.value.code == "token_expired"
    assert (count_taken(acme), session_state(admission.session)) == (0, SessionState.FAILED)


def test_a_suspended_tenant_is_refused_with_its_token_unspent(acme: Reseller) -> None:
    token = mint_session(acme).token
    organizations.set_status(operator_origin(acme.org_id), "suspended")
    with pytest.raises(Forbidden) as refusal:
        sessions.admit_token(token)
    assert refusal.value.code == "organization_inactive"
    organizations.set_status(operator_origin(acme.org_id), "active")
    assert sessions.redeem_session(sessions.admit_token(token), session_request()).call


def test_redeeming_ignores_the_category(acme: Reseller) -> None:
    assert redeem_session(acme, category="anything").persona == redeem_session(acme).persona


@pytest.mark.parametrize("difficulty", list(Difficulty))
def test_the_persona_has_the_requested_difficulty(acme: Reseller, difficulty: Difficulty) -> None:
    assert redeem_session(acme, difficulty=difficulty).persona.difficulty is difficulty


@pytest.mark.parametrize(("asked", "found"), [("TX", "TX"), (" tx ", "TX"), ("AZ", "AZ"), ("HI", "CA"), ("", "CA")])
def test_a_state_narrows_the_choice_unless_nobody_lives_there(acme: Reseller, asked: str, found: str) -> None:
    assert redeem_session(acme, state=asked).persona.state == found


def test_the_choice_among_matching_personas_is_random(acme: Reseller, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(sessions, "choose_persona_index", lambda number: asked.append(number) or number - 1)
    assert redeem_session(acme).persona.name == "Ruth Sandoval"
    assert asked == [3]


def test_no_session_moves_backwards() -> None:
    order = list(SessionState)
    assert all(order.index(after) > order.index(before) for before, moves in SESSION_MOVES.items() for after in moves)
    assert SESSION_MOVES.keys() == set(SessionState)


def test_a_session_is_one_workflow_and_its_events_hold_no_names(acme: Reseller) -> None:
    call = redeem_session(acme, "ann@example.com", "agency of Ann")
    entries, _ = audit.list_workflow_events(acme.tenant.caller(master=True), call.correlation_id, 100, None)
    assert Counter(entry.document["action"] for entry in entries) == Counter(
        ["roleplay.session.minted", "roleplay.call.created"]
    )
    assert "Ann" not in json.dumps([entry.document for entry in entries]).title()
    assert redeem_session(acme).correlation_id != call.correlation_id


def test_the_calls_id_is_random_and_safe_in_urls() -> None:
    with ids.using(lambda bits: (1 << bits) - 1):
        assert ids.new_nanoid("athos_call_") == "athos_call_" + "-" * 21
    with ids.using(lambda _: 0):
        assert ids.new_nanoid("x_") == "x_" + "A" * 21


def test_the_event_requests_the_transports_begin(acme: Reseller) -> None:
    call = redeem_session(acme)
    assert drain_queue("roleplay") == [], "nothing is sent before the call is committed"
    assert store.CALLS.get_object(call.org_id, call.id) is not None
