"""The state of numbers, and the warnings about numbers without a registration."""

from __future__ import annotations

import pytest

from switchboard.brands import marking, service, store
from switchboard.brands.jobs import MarkNumbers
from switchboard.carriers.outcomes import RefusedError, ThrottledError
from switchboard.carriers.registrations.ports.registry import RegistryIssue, RegistryReview
from switchboard.kit import clock
from switchboard.numbers import a2p
from switchboard.numbers import service as numbers
from switchboard.numbers.a2p import A2pStatus
from switchboard.numbers.models import Number
from switchboard.team.models import Member
from tests.integration.sabotage import Later, send_due
from tests.tables import each
from tests.unit.brands.desk import count_events, pass_time, save_drafts, submit_drafts
from tests.unit.brands.doubles import FakeRegistry
from tests.unit.calls.console_calls import save_number

LOCAL, TOLL_FREE, CANADIAN = "+12125550101", "+18005550101", "+14165550101"
APPROVED = RegistryReview("approved")


@pytest.fixture
def number(ada: Member) -> Number:
    return save_number(ada.org_id, LOCAL)


def state_of(number: Number) -> A2pStatus:
    return a2p.status_of(numbers.get_number(number.org_id, number.id))


@each(
    "e164, wanted",
    [
        (LOCAL, A2pStatus.UNREGISTERED),
        ("+17875550101", A2pStatus.UNREGISTERED),
        (TOLL_FREE, A2pStatus.NOT_REQUIRED),
        (CANADIAN, A2pStatus.UNREGISTERED),
        ("+442079460018", A2pStatus.NOT_REQUIRED),
        ("12345", A2pStatus.NOT_REQUIRED),
    ],
)
def test_only_local_american_numbers_need_a_registration(e164: str, wanted: A2pStatus) -> None:
    now = "2026-01-15T17:00:00.000Z"
    one = Number(
        id="num_1", org_id="org_1", sid="PN1", e164=e164, friendly_name="x", monthly_cost_cents=1, provider="simulator",
        created_at=now, updated_at=now,
    )  # fmt: skip
    assert a2p.status_of(one) is wanted
    assert bool(a2p.list_warnings(one)) is (wanted is A2pStatus.UNREGISTERED or e164 == TOLL_FREE)
    assert a2p.list_warnings(one, "+442079460018") == []
    registered = a2p.list_warnings(one.model_copy(update={"a2p_status": "registered"}))
    assert [warning.code for warning in registered] == (["toll_free_unverified"] if e164 == TOLL_FREE else [])


def test_a_toll_free_number_is_blocked_in_canada_too() -> None:
    now = "2026-01-15T17:00:00.000Z"
    one = Number(
        id="num_1", org_id="org_1", sid="PN1", e164=TOLL_FREE, friendly_name="x", monthly_cost_cents=1,
        provider="simulator", created_at=now, updated_at=now,
    )  # fmt: skip
    for contact in (LOCAL, CANADIAN):
        assert [warning.code for warning in a2p.list_warnings(one, contact)] == ["toll_free_unverified"]


def test_numbers_follow_their_registration(
    ada: Member, number: Number, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    toll_free = save_number(ada.org_id, TOLL_FREE)
    save_drafts(ada)
    assert state_of(number) is A2pStatus.UNREGISTERED
    submit_drafts(ada)
    send_due(later, "workers/brands")
    assert state_of(number) is A2pStatus.PENDING
    registry.verdicts = {"brand": APPROVED, "campaign": RegistryReview("rejected", [RegistryIssue("1", "no")])}
    pass_time(later, frozen, minutes=10)
    assert state_of(number) is A2pStatus.REJECTED
    assert not registry.numbers
    service.submit_brand(ada)
    registry.verdicts["campaign"] = APPROVED
    pass_time(later, frozen, minutes=10)
    assert state_of(number) is A2pStatus.REGISTERED
    assert registry.numbers == {number.sid}
    assert numbers.get_number(ada.org_id, toll_free.id).a2p_status is None
    # pending, rejected, pending again and registered
    assert count_events("number.a2p") == {"number.a2p_changed": 4}


def test_a_new_number_joins_the_approved_campaign(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    submit_drafts(ada)
    pass_time(later, frozen, minutes=10)
    number = save_number(ada.org_id, LOCAL)
    waits: list[Exception] = [ThrottledError("busy")]
    registry.before = lambda _: None

    def add(_: object, sid: str) -> None:
        if waits:
            raise waits.pop()
        registry.numbers.add(sid)

    registry.add_number = add  # type: ignore[method-assign, assignment]
    marking.mark_numbers(MarkNumbers(org_id=ada.org_id))
    assert state_of(number) is A2pStatus.PENDING
    pass_time(later, frozen, minutes=15)
    assert state_of(number) is A2pStatus.REGISTERED


def test_a_number_that_the_registry_refuses_is_unregistered(
    ada: Member, number: Number, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    def refuse(_: object, sid: str) -> None:
        raise RefusedError("another service has it")

    registry.add_number = refuse  # type: ignore[method-assign, assignment]
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    submit_drafts(ada)
    pass_time(later, frozen, minutes=10)
    assert state_of(number) is A2pStatus.UNREGISTERED


def test_a_registration_that_moves_while_numbers_are_marked_marks_them_again(
    ada: Member,
    number: Number,
    registry: FakeRegistry,
    later: Later,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submit_drafts(ada)
    send_due(later, "workers/brands")
    old = service.get_brand(ada.org_id)
    registry.verdicts["brand"] = RegistryReview("rejected", [RegistryIssue("1", "no")])
    pass_time(later, frozen, minutes=5)
    found = iter([old])
    find = store.find_brand
    monkeypatch.setattr(store, "find_brand", lambda org_id: next(found, None) or find(org_id))
    marking.mark_numbers(MarkNumbers(org_id=ada.org_id))
    assert state_of(number) is A2pStatus.PENDING, "the old state was written last"
    pass_time(later, frozen, minutes=1)
    assert state_of(number) is A2pStatus.REJECTED


def test_a_released_number_keeps_its_state(ada: Member, number: Number) -> None:
    assert numbers.set_a2p_status(ada, number.id, A2pStatus.PENDING)
    assert numbers.set_a2p_status(ada, number.id, A2pStatus.PENDING) is None
